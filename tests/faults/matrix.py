"""Which tests stand for which fault or attack? `make faults` runs them and prints, for each, how much was tried and how much was lost or got out.

The ids are those of the two lists that this suite follows: F for faults, A for attacks, X for what was added to them. A test is named by its file and
function; an entry that names none that exists fails the suite.
"""

T, F = "tests/", "tests/faults/"

MATRIX: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "F01": (
        "kill -9 at every named point of session, store and worker",
        "the next start ends what was open; nothing twice, nothing believed",
        (
            F + "test_session_crash.py::test_a_night_that_is_killed_is_finished_by_the_next_one",
            F + "test_session_crash.py::test_a_recovery_that_is_killed",
            F + "test_workers_and_disks.py::test_a_worker_killed_in_any_step",
        ),
    ),
    "F02": (
        "kill -9 at random moments",
        "nothing acknowledged is lost",
        (F + "test_session_crash.py::test_fifty_random_kills_lose_nothing",),
    ),
    "F03": (
        "power cut",
        "acknowledged = on disk",
        (F + "test_power_cut.py::test_no_acknowledged_fact_is_lost",),
    ),
    "F04": (
        "database damaged, truncated or away",
        "set aside, rebuilt from the journal, told",
        (
            T + "test_store.py::test_a_harmed_database_is_rebuilt_with_the_same_rows",
            T + "test_store.py::test_a_damaged_block_met_by_a_reader_is_healed",
        ),
    ),
    "F05": (
        "journal damaged, tail cut, torn line",
        "a torn last line is dropped and told; anything else stops all work",
        (
            T + "test_store.py::test_a_torn_last_batch_is_dropped_whole_and_told",
            T + "test_store.py::test_any_other_damage_of_the_journal_stops_all_work",
            F + "test_more_faults.py::test_a_tail_that_was_cut_off_is_seen_by_the_hash_that_a_brief_printed",
        ),
    ),
    "F06": (
        "older, newer, foreign schema",
        "older is rebuilt; others are refused and left as they were",
        (
            T + "test_store.py::test_an_older_schema_is_rebuilt",
            T + "test_store.py::test_a_newer_database_is_refused",
            T + "test_store.py::test_a_foreign_database_is_refused",
        ),
    ),
    "F07": (
        "disk full in store, logs, attempt, fixes",
        "one sentence, nothing half, all of it there again with room",
        (
            F + "test_full_disk.py::",
            F + "test_fixes_on_bad_disks.py::",
            F + "test_workers_and_disks.py::test_an_attempt_on_a_full_disk_fails_and_the_night_goes_on",
        ),
    ),
    "F08": (
        "fsync fails (EIO)",
        "the fact is not called done",
        (F + "test_workers_and_disks.py::test_an_fsync_that_fails_is_no_acknowledgement",),
    ),
    "F09": (
        "eight sessions at once, cron twice",
        "one works, the others say who runs",
        (
            F + "test_session_crash.py::test_of_eight_starts_at_once_one_works",
            T + "test_overnight_runner.py::test_a_second_session_is_told_who_runs",
            T + "test_cron_slots.py::test_of_many_claims_at_once",
            F + "test_real_cron.py::test_of_five_knocks_at_once",
        ),
    ),
    "F10": (
        "eight writers, a reader, a foreign holder",
        "none lost, none doubled",
        (
            T + "test_store.py::test_eight_writers_a_reader_and_a_foreign_holder_lose_nothing",
            F + "test_stale_header.py::test_under_our_lock_both_rows_are_there",
        ),
    ),
    "F11": (
        "stale lock, number of a process used again",
        "freed by facts alone",
        (
            T + "test_fixes.py::test_a_lock_is_stale_only",
            F + "test_sessions_and_clocks.py::test_a_session_whose_process_number",
        ),
    ),
    "F12": (
        "session stopped past its end, another one between",
        "the late ending is refused by its fence",
        (F + "test_sessions_and_clocks.py::test_a_session_that_was_stopped",),
    ),
    "F13": (
        "clock jumps",
        "no negative time, no double start",
        (F + "test_sessions_and_clocks.py::test_the_clock_jumps",),
    ),
    "F14": (
        "nights of a clock change",
        "7 or 9 real hours",
        (
            T + "test_model_window.py::test_the_nights_of_a_clock_change",
            T + "test_overnight_runner.py::test_the_nights_of_a_clock_change",
        ),
    ),
    "F15": (
        "cron missing, machine asleep",
        "told, nothing doubled",
        (
            T + "test_report_brief.py::test_a_night_that_the_machine_slept_through_says_so",
            T + "test_report_brief.py::test_a_night_without_a_session",
            T + "test_cron_slots.py::test_what_was_slept_over",
        ),
    ),
    "F16": (
        "runaway trees: double fork, setsid, TERM ignored",
        "all dead before the next starts",
        (
            T + "test_execution_commands.py::test_a_stubborn_daemon_in_its_own_session_dies_at_the_deadline",
            T + "test_sandbox.py::test_daemons_die_with_the_jail",
            T + "test_agents.py::test_a_daemon_that_an_agent_leaves_behind",
            F + "test_more_faults.py::test_a_fork_bomb_is_stopped",
            F + "test_runaways.py::test_a_tree_that_runs_away",
        ),
    ),
    "F17": (
        "overrun: busy loop, notebook that never ends, silence",
        "ended in time, partial output kept",
        (
            T + "test_execution_notebooks.py::test_a_notebook_out_of_time_is_kept_as_far_as_it_came",
            T + "test_sandbox.py::test_an_interrupt_reaches_a_kernel_in_a_jail",
            T + "test_agents.py::test_a_silent_agent_is_ended",
            T + "test_agents.py::test_at_the_windows_end_partial_work",
        ),
    ),
    "F18": (
        "floods of output",
        "head and tail kept, the rest counted",
        (
            T + "test_execution_commands.py::test_fifty_megabytes_of_output_are_capped",
            F + "test_runaways.py::test_two_gigabytes_on_one_line",
        ),
    ),
    "F19": (
        "memory hog, also a grandchild",
        "ended, the session lives",
        (
            T + "test_execution_commands.py::test_a_memory_hog_is_stopped",
            F + "test_more_faults.py::test_a_hog_in_a_grandchild",
        ),
    ),
    "F20": (
        "a task that kills its worker",
        "parked after the second time, the night goes on",
        (F + "test_workers_and_disks.py::test_a_task_that_kills_its_worker_is_parked",),
    ),
    "A01": (
        "a task writes store, journal, policy, lock",
        "not visible or refused",
        (
            T + "test_sandbox.py::test_no_attack_on_the_workspace_works",
            T + "test_sandbox.py::test_no_attack_of_the_persons_own",
        ),
    ),
    "A02": (
        "bubblewrap as root without its guards",
        "the canary sees it",
        (T + "test_sandbox.py::test_each_guard_that_is_missing",),
    ),
    "A03": (
        "approval forged",
        "no state changes, refusal kept",
        (
            T + "test_autonomous_queue.py::test_what_only_follows",
            F + "test_more_faults.py::test_a_task_cannot_approve_itself",
            T + "test_autonomous_queue.py::test_an_approval_holds_for_the_bytes",
        ),
    ),
    "A04": (
        "mislabelled task",
        "a question, nothing merged",
        (
            T + "test_proving.py::test_what_a_task_may_not_change",
            T + "test_proving_nights.py::test_documentation_is_proved",
        ),
    ),
    "A05": (
        "external action in a free category",
        "no packet leaves",
        (
            T + "test_agents.py::test_an_obedient_evil_agent",
            T + "test_proving_nights.py::test_a_command_that_asks_for_the_network",
        ),
    ),
    "A06": (
        "escape by git",
        "only the task's branch changes",
        (T + "test_repositories.py::",),
    ),
    "A07": (
        "injected instructions",
        "nothing that is enforced changes",
        (
            T + "test_agents.py::test_an_obedient_evil_agent",
            T + "test_agents.py::test_the_prompt_holds_the_task_as_data",
        ),
    ),
    "A08": (
        "shell words in titles and parameters",
        "they stay words",
        (
            F + "test_more_faults.py::test_words_of_the_shell_stay_words",
            T + "test_repositories.py::test_a_branch_has_a_good_name",
        ),
    ),
    "A09": (
        "paths that lead out",
        "refused",
        (
            T + "test_execution_keep.py::test_paths_outside_and_own_state",
            T + "test_execution_keep.py::test_a_link_out_and_a_pipe",
            T + "test_sandbox.py::test_a_link_that_an_earlier",
        ),
    ),
    "A10": (
        "names of parameters that are code",
        "refused before the start",
        (T + "test_execution_notebooks.py::test_bad_parameters_are_refused",),
    ),
    "A11": (
        "scripts in the brief",
        "inert",
        (
            T + "test_report_page.py::test_nothing_that_a_task_wrote",
            T + "test_report_page.py::test_html_is_scrubbed",
            T + "browser/test_brief_browser.py::test_hostile_text_is_inert",
        ),
    ),
    "A12": (
        "secrets in logs and evidence",
        "masked",
        (T + "test_secrets.py::",),
    ),
    "A13": (
        "hostile calendars",
        "one sentence, in time",
        (
            T + "test_calendars.py::test_one_bad_event",
            T + "test_calendars.py::test_fifty_megabytes",
            T + "test_calendars.py::test_an_address_that_misbehaves",
        ),
    ),
    "A14": (
        "model files with code inside, types of their own, bombs",
        "refused, nothing of it runs",
        (T + "test_recipes_more.py::test_a_model_file_with_code", T + "test_recipes_more.py::test_a_pickle_would_have_run"),
    ),
    "A15": (
        "bombs: deep JSON, huge notebook",
        "refused or capped",
        (
            F + "test_more_faults.py::test_deep_and_huge_files",
            T + "test_execution_notebooks.py::test_a_notebook_that_prints_too_much",
        ),
    ),
    "A16": (
        "a fix that makes it worse",
        "undone by itself",
        (
            T + "test_fixes.py::test_a_playbook_whose_check_fails",
            T + "test_fixes.py::test_a_service_that_went_red",
            T + "test_fixes.py::test_a_problem_that_flaps",
        ),
    ),
    "A17": (
        "policy weakened while it runs",
        "put back, told",
        (T + "test_autonomous_queue.py::test_a_recipe_that_rewrites_the_policy",),
    ),
    "A18": (
        "sandbox missing or false",
        "told; agents do not run",
        (
            T + "test_sandbox.py::test_a_false_bubblewrap",
            T + "test_sandbox.py::test_a_missing_bubblewrap",
            F + "test_more_faults.py::test_without_a_sandbox_no_agent",
        ),
    ),
    "A19": (
        "what one task leaves for the next",
        "the next is not touched",
        (F + "test_more_faults.py::test_what_one_task_leaves",),
    ),
    "A20": (
        "modules of the task in our Python",
        "not imported by us",
        (
            T + "test_sandbox.py::test_modules_of_the_task",
            T + "test_execution_commands.py::test_a_workspace_cannot_shadow",
        ),
    ),
    "X01": (
        "the store held by somebody else",
        "work goes on, they are named",
        (
            T + "test_store.py::test_work_goes_on_while_a_foreign",
            T + "test_overnight_runner.py::test_a_night_with_the_database_held",
        ),
    ),
    "X02": (
        "each guard taken out in turn",
        "a test goes red",
        (F + "test_guards_matter.py::",),
    ),
    "X03": (
        "success without work, in ten moods",
        "none ships",
        (T + "test_agents.py::test_each_way_to_fail",),
    ),
    "X04": (
        "fixes killed at any step",
        "old or new, told",
        (F + "test_fixes_killed.py::",),
    ),
    "X06": (
        "whole nights drawn from a seed: outcomes, deaths, jumps, stops, full disks",
        "one ending each, nothing believed without proof",
        (F + "test_simulated_nights.py::",),
    ),
    "X05": (
        "machines of a cluster killed and cut off",
        "one ending each",
        (
            T + "test_cluster.py::test_twenty_tasks",
            T + "test_cluster.py::test_a_vanished_scheduler",
        ),
    ),
}
"""id -> (what happens, what is expected, the tests: each the beginning of a test's name with its file)"""

NOT_TESTED: dict[str, str] = {}
"""Entries of the two lists that are not tried, and why."""


def ids_of(nodeid: str) -> list[str]:
    """The entries that a test stands for."""
    return [name for name, (_, _, tests) in MATRIX.items() if any(nodeid.startswith(t) for t in tests)]

-- What came in through the doors for agents, and how far the memory notes have come. `n` is the attempt that an agent reported on; its percent is its word, not proof.

CREATE TABLE progress_notes (task VARCHAR, n INTEGER, "at" TIMESTAMP, actor VARCHAR, percent INTEGER, note VARCHAR);
CREATE TABLE memory_notes (path VARCHAR, upto BIGINT, "at" TIMESTAMP);

"""How is work done and proved? Engines, workers, isolation, checks, and the playbooks. The only starter of processes; the store is unknown here."""

-- What the plan knows beyond slots: learned hours for each open task (replaced by each plan) and the person's pins.

CREATE TABLE estimates (task VARCHAR, made_at TIMESTAMP, p10 DOUBLE, p50 DOUBLE, p80 DOUBLE, p90 DOUBLE, why VARCHAR);
CREATE TABLE pins (task VARCHAR, "window" VARCHAR, pinned_at TIMESTAMP, actor VARCHAR);

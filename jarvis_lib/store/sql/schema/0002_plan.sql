-- What the plan knows beyond slots: learned hours for each open task (replaced by each plan), the person's pins (an empty window is none any
-- more), and for each window with slots the probability that all of them are done by the end of its work.

CREATE TABLE estimates (task VARCHAR, made_at TIMESTAMP, p10 DOUBLE, p50 DOUBLE, p80 DOUBLE, p90 DOUBLE, why VARCHAR);
CREATE TABLE pins (task VARCHAR, "window" VARCHAR, pinned_at TIMESTAMP, actor VARCHAR);
CREATE TABLE finishes (plan VARCHAR, "window" VARCHAR, tasks INTEGER, probability DOUBLE, p50_end TIMESTAMP, p80_end TIMESTAMP);

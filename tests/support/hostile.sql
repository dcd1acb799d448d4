-- A schema with every kind of object that a script can make again, under names that have to be quoted.
CREATE TYPE "Odd ""type" AS ENUM ('a', 'it''s', 'B c');
CREATE TYPE pair AS (left_part text COLLATE "C", "Right part" numeric(8, 2));
CREATE DOMAIN "positive int" AS integer DEFAULT 1 CONSTRAINT "is > 0" CHECK (VALUE > 0);
CREATE DOMAIN "no text" AS varchar(20) COLLATE "C" NOT NULL;
CREATE SEQUENCE "loose Seq" AS smallint INCREMENT BY 5 MINVALUE 5 MAXVALUE 100 START WITH 10 CACHE 3 CYCLE;
CREATE UNLOGGED SEQUENCE hasty;
CREATE FUNCTION "Twice %s"(n integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    COST 7 AS $$ SELECT n * 2 $$;
CREATE FUNCTION "Twice %s"(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT n * 2; END;

CREATE TABLE "Odd ""table" (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 10) PRIMARY KEY,
    "select" text COLLATE "C" NOT NULL DEFAULT 'x;--''y',
    kind "Odd ""type" DEFAULT 'it''s',
    amount "positive int",
    halves pair,
    tags text[] DEFAULT '{"a b", c}' NOT NULL,
    doubled integer GENERATED ALWAYS AS ("Twice %s"(amount::integer)) STORED,
    counted integer DEFAULT nextval('"loose Seq"'),
    status varchar(10) CHECK (status IN ('up_vote', 'down_vote')),
    body text, note jsonb DEFAULT '{"a": "%(schema)s"}',
    CONSTRAINT "unique, later" UNIQUE (counted) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "no two" EXCLUDE USING gist (int8range(id, id + 1) WITH &&)
) WITH (fillfactor = 70, autovacuum_enabled = false);
ALTER TABLE "Odd ""table" ADD COLUMN gone int;
ALTER TABLE "Odd ""table" DROP COLUMN gone;
ALTER TABLE "Odd ""table" ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN body SET COMPRESSION pglz,
    ALTER COLUMN kind SET STATISTICS 500, ALTER COLUMN amount SET (n_distinct = 5);
ALTER TABLE "Odd ""table" ADD CONSTRAINT "not checked" CHECK (amount < 1000) NOT VALID;
ALTER SEQUENCE "loose Seq" OWNED BY "Odd ""table".counted;

CREATE UNLOGGED TABLE quick (a int, b int, c text, PRIMARY KEY (a, b) INCLUDE (c),
    UNIQUE NULLS NOT DISTINCT (c));
CREATE TABLE child (
    id serial PRIMARY KEY, parent bigint NOT NULL, loop int, who uuid,
    CONSTRAINT "to parent" FOREIGN KEY (parent) REFERENCES "Odd ""table" ON DELETE CASCADE ON UPDATE SET NULL
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT to_self FOREIGN KEY (loop) REFERENCES child MATCH FULL,
    CONSTRAINT to_public FOREIGN KEY (who) REFERENCES public.namespaces_namespace (id)
);
ALTER TABLE child ADD CONSTRAINT unproved FOREIGN KEY (loop) REFERENCES child NOT VALID;
ALTER TABLE child ALTER CONSTRAINT to_self DEFERRABLE;
CREATE TABLE empty_one ();

CREATE TABLE parted (at date NOT NULL, n int NOT NULL, region text CHECK (region <> ''),
    CONSTRAINT parted_key PRIMARY KEY (at, n)) PARTITION BY RANGE (at);
CREATE TABLE "part one" PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE part_two (n int NOT NULL, region text, extra int, at date NOT NULL);
ALTER TABLE part_two DROP COLUMN extra;
ALTER TABLE part_two ADD CONSTRAINT parted_region_check CHECK (region <> '');
ALTER TABLE parted ATTACH PARTITION part_two FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
CREATE TABLE part_rest PARTITION OF parted DEFAULT PARTITION BY LIST (n);
CREATE TABLE part_rest_one PARTITION OF part_rest FOR VALUES IN (1, 2);
CREATE INDEX parted_region ON parted (region);
ALTER TABLE parted ADD CONSTRAINT parted_loop FOREIGN KEY (n) REFERENCES child (id);

CREATE INDEX "Part %%" ON "Odd ""table" USING btree (lower("select") COLLATE "C" DESC NULLS LAST, amount)
    INCLUDE (body) WITH (fillfactor = 50) WHERE status IN ('up_vote', 'down_vote') AND amount > 3;
CREATE INDEX by_tag ON "Odd ""table" USING gin (tags);
CREATE UNIQUE INDEX child_parent ON child (parent);
ALTER TABLE child REPLICA IDENTITY USING INDEX child_parent;
ALTER TABLE child CLUSTER ON child_pkey;
ALTER TABLE quick REPLICA IDENTITY FULL;
ALTER INDEX quick_pkey SET (fillfactor = 60);
CREATE INDEX expressed ON child ((loop + 1));
ALTER INDEX expressed ALTER COLUMN 1 SET STATISTICS 77;
CREATE STATISTICS some_stats (ndistinct, mcv) ON a, b FROM quick;
CREATE STATISTICS one_expression ON (a + b) FROM quick;

CREATE VIEW "A view" WITH (security_barrier = true) AS
    SELECT t.id, t."select", "Twice %s"(t.amount::integer) AS twice, n.slug
    FROM "Odd ""table" t LEFT JOIN public.namespaces_namespace n ON n.name = t."select"
    WHERE t.status IN ('up_vote', 'down_vote');
CREATE VIEW a_first AS SELECT * FROM "A view" WITH LOCAL CHECK OPTION;
CREATE MATERIALIZED VIEW z_kept AS SELECT count(*) AS n FROM "A view";
CREATE MATERIALIZED VIEW a_kept AS SELECT n FROM z_kept;
CREATE MATERIALIZED VIEW unfilled AS SELECT 1 AS one WITH NO DATA;
CREATE UNIQUE INDEX ON z_kept (n);
ALTER VIEW "A view" ALTER COLUMN twice SET DEFAULT 4;
CREATE RULE "no delete" AS ON DELETE TO child WHERE old.id = 0 DO INSTEAD NOTHING;

CREATE FUNCTION takes_row(r child, kind "Odd ""type"[] DEFAULT '{}') RETURNS SETOF child LANGUAGE plpgsql
    SET work_mem = '8MB' AS $body$ BEGIN RETURN QUERY SELECT * FROM child WHERE id = r.id; END $body$;
CREATE PROCEDURE "do it"(INOUT n int) LANGUAGE plpgsql AS $_$ BEGIN n := n + 1; END $_$;
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER "Touch ""it" BEFORE INSERT OR UPDATE OF parent, loop ON child
    FOR EACH ROW WHEN (NEW.parent > 0) EXECUTE FUNCTION touched('a''b', '%s');
CREATE TRIGGER z_all AFTER UPDATE ON child REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION touched();
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON child DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION touched();
CREATE TRIGGER on_parts AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION touched();
CREATE TRIGGER instead_of INSTEAD OF INSERT ON a_first FOR EACH ROW EXECUTE FUNCTION touched();
ALTER TABLE child DISABLE TRIGGER z_all;
ALTER TABLE child ENABLE ALWAYS TRIGGER late;

ALTER TABLE child ENABLE ROW LEVEL SECURITY;
ALTER TABLE quick FORCE ROW LEVEL SECURITY;
CREATE POLICY "see some" ON child AS RESTRICTIVE FOR SELECT TO PUBLIC
    USING (parent IN (SELECT id FROM "Odd ""table"));
CREATE POLICY writes ON child FOR INSERT TO CURRENT_USER WITH CHECK (id > 0);

COMMENT ON TABLE "Odd ""table" IS 'It''s; a "comment" -- %s';
COMMENT ON COLUMN "Odd ""table"."select" IS 'a column';
COMMENT ON CONSTRAINT "to parent" ON child IS 'a key';
COMMENT ON CONSTRAINT "is > 0" ON DOMAIN "positive int" IS 'a rule';
COMMENT ON INDEX "Part %%" IS 'an index';
COMMENT ON TRIGGER "Touch ""it" ON child IS 'a trigger';
COMMENT ON VIEW "A view" IS 'a view';
COMMENT ON MATERIALIZED VIEW a_kept IS 'kept';
COMMENT ON FUNCTION "Twice %s"(integer) IS 'a function';
COMMENT ON PROCEDURE "do it"(int) IS 'a procedure';
COMMENT ON TYPE pair IS 'a type';
COMMENT ON SEQUENCE hasty IS 'a sequence';
COMMENT ON POLICY writes ON child IS 'a policy';
COMMENT ON STATISTICS some_stats IS 'statistics';
COMMENT ON RULE "no delete" ON child IS 'a rule';

GRANT SELECT, INSERT ON child TO PUBLIC;
GRANT UPDATE (loop), SELECT (id, parent) ON child TO pg_read_all_stats WITH GRANT OPTION;
REVOKE ALL ON FUNCTION "Twice %s"(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "Twice %s"(integer) TO pg_monitor;
GRANT USAGE ON SEQUENCE hasty TO pg_monitor;
GRANT USAGE ON TYPE pair TO pg_monitor;
GRANT SELECT ON "A view" TO pg_monitor;
GRANT SELECT ON a_kept TO pg_monitor;
REVOKE DELETE ON quick FROM CURRENT_USER;

INSERT INTO "Odd ""table" ("select", kind, amount, halves, status, body, note)
    VALUES ('%s; DROP', 'B c', 4, ROW('a,"b', 1.5), 'up_vote', E'line\nbreak\\', '{"x": null}'),
           ('O''Reilly', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO child (id, parent) VALUES (1, 100);
INSERT INTO parted VALUES ('2026-02-03', 1, 'x');
REFRESH MATERIALIZED VIEW z_kept;
REFRESH MATERIALIZED VIEW a_kept;

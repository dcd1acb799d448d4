-- smartmodels_count() counts a request under each key until one is full, which is the last row of the answer. Of each it tells
-- ``asked``, one more than was granted before, and what was granted by slots, ten of which make so many seconds, the
-- newest first. A function, since its plans are kept: to plan these statements takes longer than to run them.
-- The clock is the server's, so that all processes agree on the slot. Whoever looks back (the clock was set) goes on in the
-- newer one.
CREATE OR REPLACE FUNCTION public.smartmodels_count(keys text[], seconds integer[], most integer[])
RETURNS TABLE(asked integer, slot bigint, used integer[], at double precision)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $count$
#variable_conflict use_column
BEGIN
    FOR place IN 1 .. cardinality(keys) LOOP
        at := extract(epoch FROM clock_timestamp());
        INSERT INTO {counts} AS t (key, begun, slot, used, asked)
        VALUES (keys[place], floor(at), floor(at * 10 / seconds[place]), ARRAY[1], 1)
        ON CONFLICT (key) DO UPDATE SET (begun, slot, used, asked) = (
            SELECT greatest(t.begun, EXCLUDED.begun), n.slot,
                CASE WHEN n.had < most[place] THEN (n.kept[1] + 1) || n.kept[2:] ELSE n.kept END, n.had + 1
            FROM (
                SELECT k.slot, k.kept, (SELECT sum(each) FROM unnest(k.kept) AS each)::integer AS had
                FROM (
                    SELECT greatest(t.slot, EXCLUDED.slot) AS slot, (array_fill(0,
                        ARRAY[least(greatest(EXCLUDED.slot - t.slot, 0), 11)::integer]) || t.used)[1:11] AS kept
                ) AS k
            ) AS n
        ) RETURNING t.asked, t.slot, t.used INTO asked, slot, used;
        RETURN NEXT;
        EXIT WHEN asked > most[place];
    END LOOP;
END
$count$;

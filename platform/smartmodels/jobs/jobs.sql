-- {job} is the table of job records, {namespace} that of namespaces; the queue's own tables are procrastinate's.

-- fair order --
-- A namespace's n-th waiting job comes after everybody's first n-1: who queues a thousand starves nobody.
CREATE FUNCTION public.smartmodels_job_adding() RETURNS trigger LANGUAGE plpgsql AS $job$
BEGIN
    NEW.priority := NEW.priority - (
        SELECT count(*) FROM (
            SELECT FROM public.{job}
            WHERE namespace_id = (NEW.args ->> 'namespace')::uuid AND state = 'queued' LIMIT 500
        ) AS waiting
    );
    RETURN NEW;
END
$job$;
CREATE TRIGGER smartmodels_adding BEFORE INSERT ON public.procrastinate_jobs
    FOR EACH ROW EXECUTE FUNCTION public.smartmodels_job_adding();

-- record --
-- Every job has a record, whoever put it into the queue, made in the transaction that queues it.
CREATE FUNCTION public.smartmodels_job_added() RETURNS trigger LANGUAGE plpgsql AS $job$
BEGIN
    INSERT INTO public.{job} (
        id, name, queue, namespace_id, actor, user_id, operation_id, state, created_at, scheduled_at,
        attempts, failures, deaths, done, message, error_code, error
    ) VALUES (
        NEW.id, NEW.task_name, NEW.queue_name, (NEW.args ->> 'namespace')::uuid,
        coalesce(NEW.args #>> '{actor,label}', 'system'), (NEW.args #>> '{actor,user_id}')::uuid,
        coalesce((NEW.args ->> 'operation')::uuid, gen_random_uuid()), 'queued', clock_timestamp(), NEW.scheduled_at,
        0, 0, 0, 0, '', '', ''
    );
    RETURN NULL;
END
$job$;
CREATE TRIGGER smartmodels_added AFTER INSERT ON public.procrastinate_jobs
    FOR EACH ROW EXECUTE FUNCTION public.smartmodels_job_added();

-- back into the queue --
-- The key of a job that comes back may be another's by now. Who parks a job while its namespace is being
-- resumed waits for that, and the job is not parked.
CREATE FUNCTION public.smartmodels_job_requeueing() RETURNS trigger LANGUAGE plpgsql AS $job$
BEGIN
    NEW.queueing_lock := NULL;
    NEW.worker_id := NULL;
    IF NEW.queue_name LIKE '%:parked' THEN
        PERFORM FROM public.{namespace}
            WHERE id = (NEW.args ->> 'namespace')::uuid AND state <> 'active' FOR SHARE;
        IF NOT FOUND THEN
            NEW.queue_name := left(NEW.queue_name, -length(':parked'));
        END IF;
    END IF;
    PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, '{"type": "job_inserted", "job_id": 0}');
    RETURN NEW;
END
$job$;
CREATE TRIGGER smartmodels_requeueing BEFORE UPDATE OF status ON public.procrastinate_jobs
    FOR EACH ROW WHEN (NEW.status = 'todo' AND OLD.status <> 'todo')
    EXECUTE FUNCTION public.smartmodels_job_requeueing();

-- state --
-- The record follows the queue in the same transaction, so the two never differ.
CREATE FUNCTION public.smartmodels_job_changed() RETURNS trigger LANGUAGE plpgsql AS $job$
DECLARE
    ended boolean := NEW.status NOT IN ('todo', 'doing');
BEGIN
    UPDATE public.{job} SET
        state = CASE
            WHEN NEW.status = 'todo' AND NEW.queue_name LIKE '%:parked' THEN 'parked'
            WHEN NEW.status = 'todo' THEN 'queued'
            WHEN NEW.status = 'doing' THEN 'running'
            WHEN NEW.status = 'succeeded' THEN 'succeeded'
            WHEN NEW.status = 'failed' AND NOT OLD.abort_requested THEN 'failed'
            ELSE 'cancelled'
        END,
        queue = NEW.queue_name,
        attempts = NEW.attempts,
        scheduled_at = NEW.scheduled_at,
        started_at = CASE
            WHEN NEW.status = 'doing' AND OLD.status <> 'doing' THEN clock_timestamp() ELSE started_at
        END,
        finished_at = CASE WHEN ended THEN clock_timestamp() END
    WHERE id = NEW.id;
    RETURN NULL;
END
$job$;
CREATE TRIGGER smartmodels_changed AFTER UPDATE OF status, queue_name ON public.procrastinate_jobs
    FOR EACH ROW EXECUTE FUNCTION public.smartmodels_job_changed();

-- parked --
-- What waits for a namespace goes on the moment it is active again; what waits for one that is gone is off.
CREATE FUNCTION public.smartmodels_jobs_follow() RETURNS trigger LANGUAGE plpgsql AS $job$
DECLARE
    lane text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE public.procrastinate_jobs SET status = 'cancelled'
            WHERE status = 'todo' AND id IN (
                SELECT id FROM public.{job} WHERE namespace_id = OLD.id AND state IN ('queued', 'parked')
            );
        RETURN NULL;
    END IF;
    FOR lane IN
        WITH freed AS (
            UPDATE public.procrastinate_jobs SET queue_name = left(queue_name, -length(':parked'))
            WHERE status = 'todo' AND id IN (
                SELECT id FROM public.{job} WHERE namespace_id = NEW.id AND state = 'parked'
            )
            RETURNING queue_name
        )
        SELECT DISTINCT queue_name FROM freed
    LOOP
        PERFORM pg_notify('procrastinate_queue_v1#' || lane, '{"type": "job_inserted", "job_id": 0}');
    END LOOP;
    RETURN NULL;
END
$job$;
CREATE TRIGGER smartmodels_jobs_resumed AFTER UPDATE OF state ON public.{namespace}
    FOR EACH ROW WHEN (NEW.state = 'active' AND OLD.state <> 'active')
    EXECUTE FUNCTION public.smartmodels_jobs_follow();
CREATE TRIGGER smartmodels_jobs_gone AFTER DELETE ON public.{namespace}
    FOR EACH ROW EXECUTE FUNCTION public.smartmodels_jobs_follow();

-- dead workers --
-- Jobs whose worker gave no sign of life for so many seconds are done again: once. One rescuer at a time.
CREATE FUNCTION public.smartmodels_job_rescue(seconds double precision)
    RETURNS TABLE (number bigint, name text, died integer) LANGUAGE plpgsql AS $job$
DECLARE
    lost public.procrastinate_jobs;
BEGIN
    IF NOT pg_try_advisory_xact_lock(29549, 1) THEN
        RETURN;
    END IF;
    FOR lost IN
        SELECT job.* FROM public.procrastinate_jobs AS job
        WHERE job.status = 'doing' AND NOT EXISTS (
            SELECT FROM public.procrastinate_workers AS worker
            WHERE worker.id = job.worker_id AND worker.last_heartbeat > now() - make_interval(secs => seconds)
        )
        FOR UPDATE SKIP LOCKED
    LOOP
        UPDATE public.{job} AS record SET
            deaths = deaths + 1,
            error_code = 'worker-died',
            error = CASE WHEN deaths = 0
                THEN 'Its worker died or lost touch, so the job is done again.'
                ELSE 'Its worker died twice over it, so it is not tried again: the log of the workers says more.'
            END
            WHERE record.id = lost.id RETURNING record.id, lost.task_name::text, deaths INTO number, name, died;
        UPDATE public.procrastinate_jobs SET
            status = CASE WHEN died > 1 THEN 'failed' ELSE 'todo' END::public.procrastinate_job_status,
            attempts = attempts + 1, abort_requested = false
            WHERE id = lost.id;
        RETURN NEXT;
    END LOOP;
END
$job$;

-- What the application has at the provider only: opening balances and triggers that change the same tables.

INSERT INTO public.account SELECT i, 1000, 1000, 0 FROM generate_series(1, 40) i;
INSERT INTO public.counter SELECT 'c' || i, 0 FROM generate_series(1, 5) i;

-- Purpose: an AFTER ROW trigger that updates its own row again, and sorts before any other name.
CREATE FUNCTION public.job_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.runs < 3 AND NEW.state <> 'fixed' THEN
    UPDATE public.job SET runs = runs + 1 WHERE id = NEW.id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER " !a" AFTER INSERT OR UPDATE ON public.job FOR EACH ROW EXECUTE FUNCTION public.job_again();

-- Purpose: a statement-level trigger that writes into another replicated table.
CREATE FUNCTION public.job_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.job_history (job, state, runs) SELECT id, state, runs FROM changed;
  RETURN NULL;
END $$;
CREATE TRIGGER zz_note AFTER UPDATE ON public.job REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION public.job_note();

-- Purpose: a BEFORE trigger that changes what is written, and swallows some deletes.
CREATE FUNCTION public.job_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.state = 'kept' THEN RETURN NULL; END IF;
    RETURN OLD;
  END IF;
  NEW.state := lower(NEW.state);
  RETURN NEW;
END $$;
CREATE TRIGGER "A_before" BEFORE INSERT OR UPDATE OR DELETE ON public.job
  FOR EACH ROW EXECUTE FUNCTION public.job_before();

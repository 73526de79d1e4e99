-- Witnesses at a subscriber. They fire whoever writes (ENABLE ALWAYS) and are not replicated.

-- Every step of an account's version, in the order in which it was applied here.
CREATE TABLE public.account_steps (n bigserial PRIMARY KEY, op text NOT NULL, id int NOT NULL, old_ver bigint, new_ver bigint);
CREATE FUNCTION public.account_witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.account_steps (op, id, old_ver, new_ver)
  VALUES (left(TG_OP, 1), coalesce(NEW.id, OLD.id), OLD.ver, NEW.ver);
  RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE OR DELETE ON public.account
  FOR EACH ROW EXECUTE FUNCTION public.account_witness();
ALTER TABLE public.account ENABLE ALWAYS TRIGGER witness;

-- The log has a key, so a second insert of a row would be refused or merged there. Here it leaves a second row.
CREATE TABLE public.log_steps (op text NOT NULL, txno bigint NOT NULL);
CREATE FUNCTION public.log_witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.log_steps (op, txno) VALUES (left(TG_OP, 1), coalesce(NEW.txno, OLD.txno));
  RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE OR DELETE ON public.log
  FOR EACH ROW EXECUTE FUNCTION public.log_witness();
ALTER TABLE public.log ENABLE ALWAYS TRIGGER witness;

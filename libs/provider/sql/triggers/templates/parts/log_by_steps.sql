-- log_by_steps: the way that never fails, with queries that millrace.capture_steps makes now.
-- Parameters: op - I, U or D, quoted.
moved := false;
FOR step IN SELECT s.* FROM millrace.capture_steps({{rel}}, {{root}}, {{op}}, nested IS TRUE, {{'pins'}}, known.shape, known.columns, known.key) AS s LOOP
    saved := step.saved;
    CONTINUE WHEN step.if_moved <> moved;
    --use log_rows type = step.type; columns = step.columns; key = step.key; query = EXECUTE step.query
    moved := moved OR (step.type = 'D' AND bytes > 0);
END LOOP;
IF saved IS NOT NULL THEN
    PERFORM millrace.restore_settings(saved);
END IF;

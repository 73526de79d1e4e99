-- log_rows: puts the lines of a query into the queue, in order, in pieces of about 1 MB at most (each line counts 500 bytes for
-- itself, so at most 2000 lines are one piece; a longer line is one piece). Rows are concatenated here and not by an aggregate:
-- memory stays flat and their order is kept. bytes is 0 afterwards when there was no line.
-- Parameters: type, columns, key - expressions for ev_type, ev_extra2, ev_extra3; query - what follows FOR line IN.
lines := '{}';
bytes := 0;
FOR line IN {{query}} LOOP
    bytes := bytes + octet_length(line) + 500;
    IF bytes > 1000000 AND cardinality(lines) > 0 THEN
        PERFORM millrace.put_capture({{queue_id}}, {{type}}, {{'registered'}}, {{columns}}, {{key}}, lines);
        lines := '{}';
        bytes := octet_length(line) + 500;
    END IF;
    lines := lines || line;
END LOOP;
IF bytes > 0 THEN
    PERFORM millrace.put_capture({{queue_id}}, {{type}}, {{'registered'}}, {{columns}}, {{key}}, lines);
END IF;

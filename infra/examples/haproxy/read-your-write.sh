#!/bin/sh
# Writes, then reads what it has written from a replica; from the provider when no replica has it within a second.
# From the environment: WRITE_URL and READ_URL, the two addresses of haproxy as PostgreSQL URLs; ITEM.
set -eu
run() {
  psql -qAtX -v ON_ERROR_STOP=1 -v item="$ITEM" "$@"
}
read_item="SELECT current_setting('cluster_name') || ': ' || item FROM entry WHERE item = :'item';"

token=$(
  run "$WRITE_URL" <<SQL
INSERT INTO entry (item) VALUES (:'item');
SELECT millrace.token();
SQL
)

# Waiting and reading in one session: the next one may be with another replica.
answer=$(
  run -v token="$token" "$READ_URL" <<SQL
SELECT millrace.wait_for(:'token', '1s', '{entry}');
$read_item
SQL
)

case "$answer" in
t*) echo "$answer" | sed 1d ;;
*) echo "$read_item" | run "$WRITE_URL" ;;
esac

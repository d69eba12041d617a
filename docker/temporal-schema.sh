# Migrates the cluster's two databases to the schema of this version; changes nothing if they
# already have it. Reads the connection from the SQL_… variables.
set -eu
schema=/etc/temporal/schema/postgresql/v12
for part in temporal visibility; do
    database=temporal
    [ "$part" = temporal ] || database=temporal_visibility
    temporal-sql-tool --db "$database" create
    temporal-sql-tool --db "$database" setup-schema --version 0.0
    temporal-sql-tool --db "$database" update-schema --schema-dir "$schema/$part/versioned"
done

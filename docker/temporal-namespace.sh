# Creates the namespace, and the search attribute that a saga sets when it stops going forward.
set -eu
temporal operator namespace describe --namespace default ||
    temporal operator namespace create --namespace default --retention 7d
temporal operator search-attribute create --namespace default --name SagaStatus --type Keyword

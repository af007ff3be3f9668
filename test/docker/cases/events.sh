# What `events` tells. Docker tells of networks and terminals too, which plyfs has none of.

## events of a container
since=$(date +%s)
$D run --name c1 base sh -c 'exit 3'
$D rename c1 c2
$D rm c2
$D events --since $since --until $(($(date +%s) + 1)) --filter type=container \
  --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}} {{.Actor.Attributes.oldName}}' | grep -v ' attach '

## events of a container that is stopped
since=$(date +%s)
$D run -d --name c1 -l tier=web base sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
until $D logs c1 | grep -q up; do sleep 0.1; done
$D stop c1
$D rm c1
$D events --since $since --until $(($(date +%s) + 1)) --filter label=tier=web \
  --format '{{.Action}} {{.Actor.Attributes.signal}} {{.Actor.Attributes.exitCode}} {{.Scope}}'

## events by filters
since=$(date +%s)
$D create --name one -l of=filters base true >/dev/null
$D create --name two -l of=filters base true >/dev/null
$D rm one >/dev/null
$D rm two >/dev/null
events() { $D events --since $since --until $(($(date +%s) + 1)) "$@"; echo; }
events --filter container=one --format '{{.Action}}'
events --filter event=destroy --filter label=of=filters --format '{{.Actor.Attributes.name}}'
events --filter container=one --filter container=two --filter event=create --format '{{.Actor.Attributes.name}}'
events --filter image=base --filter type=container --filter label=of --format '{{.Action}}'

## events of volumes and images
since=$(date +%s)
$D volume create vv >/dev/null
$D volume rm vv >/dev/null
$D tag base other
$D rmi other >/dev/null
until=$(($(date +%s) + 1))
$D events --since $since --until $until --filter type=volume --format '{{.Action}} {{.Actor.ID}} {{.Actor.Attributes.driver}}'
$D events --since $since --until $until --filter type=image --format '{{.Action}} {{.Actor.Attributes.name}}'

## events as JSON
since=$(date +%s)
$D volume create vjson >/dev/null
$D events --since $since --until $(($(date +%s) + 1)) --filter volume=vjson --format '{{json .}}' | grep -o '"Type":"volume","Action":"create","Actor":{"ID":"vjson","Attributes":{"driver":"local"}},"scope":"local"'

## events of exec, and the older fields
since=$(date +%s)
$D run -d --name c1 -l of=exec base sleep 100 >/dev/null; $D exec c1 sh -c 'exit 2'; $D rm -f c1 >/dev/null
events() { $D events --since $since --until $(($(date +%s) + 1)) --filter label=of=exec "$@"; }
events --format '{{.Action}}' | grep -E 'exec|create'
events --filter event=create --filter event=start --format '{{.Status}} {{.From}} {{len .ID}}'

## events of cp, export and top
since=$(date +%s)
$D run -d --name c1 -l of=copies base sleep 100 >/dev/null; echo x >f
$D cp f c1:/srv/; $D cp c1:/srv/f g; $D cp c1:/srv - >/dev/null; $D cp c1:/nothere . 2>/dev/null
$D export c1 >/dev/null; $D top c1 >/dev/null; $D rm -f c1 >/dev/null
$D events --since $since --until $(($(date +%s) + 1)) --filter label=of=copies --format '{{.Action}}'

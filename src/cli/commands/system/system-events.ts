/**
 * `plyfs events`: what happens to containers, images and volumes, as it happens.
 */

import { Command } from 'commander';
import type { LoggedEvent } from '../../../store/event-log.js';
import { collectValues } from '../../frame/common-options.js';
import { type Filters, matchesLabels, parseFilters } from '../../frame/list-options.js';
import { addStoreOptions, attempt, openStoreAsItIs, type StoreFlags } from '../../frame/store-command.js';
import { jsonText, printShown, shown, shownLine } from '../../print/output.js';

const FILTERS = ['container', 'event', 'image', 'label', 'type', 'volume'];

const DETAILS = `
Without --until it goes on until it is ended; without --since it begins now. What was kept of before is some 8 MB.
Containers: create, start, oom, die, kill, stop, restart, rename, commit, export, archive-path
(cp from it), extract-to-dir (cp to it), top, exec_create, exec_start, exec_die, destroy. Images: pull, push,
load, import, save, tag, untag, delete. Volumes: create, rename, destroy. Docker's words and attributes; what Docker tells of
networks, of terminals and of mounts of volumes is not told.

Of plyfs alone: 'fail' of a container or a mount, when an operation in it fails because something is full, read-only, broken
or out of reach, with the attributes operation, error (EROFS, ENOSPC, EIO ...), path, cause, process, pid and count. Equal ones
are told once a minute. Writes that the kernel does without plyfs (passthrough; volumes and binds of containers) fail untold:
what is full is shown by 'plyfs top'.

Keys of --format json, a record a line: Type, Action, Actor {ID, Attributes}, scope, time (seconds), timeNano. They stay.
Templates have Type, Action, Actor, Scope, Time, TimeNano, and as Docker's Status, ID and From (the image of a container).

Examples:
  plyfs events
  plyfs events --since 10m --until 0s --filter event=die --format '{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}'
  plyfs events --format json --filter type=volume | jq -r .Actor.ID`;

interface EventsFlags extends StoreFlags {
  readonly since?: string;
  readonly until?: string;
  readonly filter?: readonly string[];
  readonly format?: string;
}

export function systemEventsCommand(name: 'events' | 'system events'): Command {
  const command = new Command('events')
    .description('show what happens to containers, images and volumes, as it happens')
    .option('--since <time>', 'also what happened since: an age as 10m, or a date')
    .option('--until <time>', 'end at that time; 0s is now')
    .option('-f, --filter <filter>', `KEY=VALUE; may be repeated; keys: ${FILTERS.join(', ')}`, collectValues)
    .option('--format <format>', "'json' or a template as '{{.Type}} {{.Action}} {{.Actor.ID}}'");
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((flags: EventsFlags) => attempt(name, flags, () => runEvents(flags)));
}

async function runEvents(flags: EventsFlags): Promise<void> {
  const { parseTime } = await import('../../../container/record/until.js');
  const { followEvents, pastEvents } = await import('../../../store/event-log.js');
  const now = Date.now();
  const sinceMs = flags.since === undefined ? undefined : parseTime('--since', flags.since, now);
  const untilMs = flags.until === undefined ? undefined : parseTime('--until', flags.until, now);
  const filters = parseFilters(flags.filter, FILTERS);
  const print = await printer(flags.format);
  const store = await openStoreAsItIs(flags);
  // Alone, a time to end at asks for what was before it.
  const fromMs = sinceMs ?? (untilMs !== undefined && untilMs <= now ? 0 : now);
  const isMeant = (event: LoggedEvent): boolean =>
    event.timeMs >= fromMs &&
    event.timeMs <= (untilMs ?? Number.POSITIVE_INFINITY) &&
    matches(event, filters);
  if (untilMs !== undefined && untilMs <= now) {
    for (const event of pastEvents(store)) if (isMeant(event)) print(event);
    return;
  }
  for await (const event of followEvents(store, endAt(untilMs))) if (isMeant(event)) print(event);
}

/** Timers of Node wait 24 days at most. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function endAt(timeMs: number | undefined): AbortSignal {
  if (timeMs === undefined) return new AbortController().signal;
  const controller = new AbortController();
  setTimeout(() => controller.abort(), Math.min(timeMs - Date.now(), LONGEST_TIMER_MS));
  return controller.signal;
}

/** Whether all keys match, each by any of its values. */
function matches({ type, action, id, attributes }: LoggedEvent, filters: Filters): boolean {
  const isOf = (kind: string, value: string): boolean =>
    type === kind &&
    (id === value || attributes.name === value || (kind === 'container' && isPrefix(id, value)));
  const tests: Readonly<Record<string, (value: string) => boolean>> = {
    type: (value) => type === value,
    event: (value) => action === value || action.startsWith(`${value}:`),
    container: (value) => isOf('container', value),
    image: (value) => isOf('image', value) || (type === 'container' && attributes.image === value),
    volume: (value) => isOf('volume', value),
    label: (value) => matchesLabels(attributes, [value]),
  };
  return [...filters].every(([key, values]) => values.some((value) => tests[key]!(value)));
}

const SHORTEST_PREFIX = 4;

function isPrefix(id: string, text: string): boolean {
  return text.length >= SHORTEST_PREFIX && id.startsWith(text);
}

async function printer(format: string | undefined): Promise<(event: LoggedEvent) => void> {
  if (format === undefined) return (event) => printShown(`${shownLine(lineOf(event))}\n`);
  // As JSON it has the names of Docker's API, in other templates those of Docker's own fields.
  if (format === 'json' || format === '{{json .}}')
    return (event) => printShown(`${jsonText(apiRecordOf(event))}\n`);
  const { Template } = await import('../../print/template/template.js');
  const template = new Template(format, { textForm: 'as it is' });
  return (event) => printShown(`${template.render({ ...recordOf(event), ...oldFieldsOf(event) })}\n`);
}

const NS_PER_MS = 1e6;

/** With keys of maps in Go's order. */
function recordOf({ type, action, id, attributes, timeMs }: LoggedEvent) {
  return {
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: sorted(attributes) },
    Scope: 'local',
    Time: Math.floor(timeMs / 1000),
    // Shortest digits of a double, so that they are those of the milliseconds with six zeros.
    TimeNano: timeMs * NS_PER_MS,
  };
}

/** What Docker has besides, of containers and images. */
function oldFieldsOf({ type, action, id, attributes }: LoggedEvent) {
  if (type !== 'container' && type !== 'image') return { Status: '', ID: '', From: '' };
  return { Status: action, ID: id, From: type === 'container' ? (attributes.image ?? '') : '' };
}

function apiRecordOf(event: LoggedEvent): object {
  const { Scope: scope, Time: time, TimeNano: timeNano, ...rest } = recordOf(event);
  return { ...rest, scope, time, timeNano };
}

function lineOf({ type, action, id, attributes, timeMs }: LoggedEvent): string {
  const time = new Date(timeMs).toISOString().replace('Z', '000000Z');
  const pairs = Object.entries(sorted(attributes)).map(([key, value]) => `${key}=${unbroken(value)}`);
  return `${time} ${type} ${unbroken(action)} ${shown(id)} (${pairs.join(', ')})`;
}

/** An event is a line, in a pipe too. */
function unbroken(text: string): string {
  return text.replaceAll('\n', '\\n');
}

function sorted(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The health check of a container whose command begins, if it has one. */

import type { RunnableRootfs } from '../../../store/container-record.js';
import type { Store } from '../../../store/store.js';
import { enterCgroups } from '../../cgroup/cgroup.js';
import type { EnterRequest } from '../../enter/enter-request.js';
import { checkOf, readHealth, writeHealth } from '../../record/health.js';
import type { CommandTemplate } from '../command-template.js';
import { HealthMonitor } from './health-monitor.js';
import { probeHealth } from './health-probe.js';

interface Watched {
  /** Host pid of the container's command. */
  readonly pid: number;
  readonly cgroups: readonly string[];
  /** The request of the container's own command; a check's differs in what it executes, and where. */
  readonly request: EnterRequest;
  readonly template: CommandTemplate | undefined;
}

const SHELL = ['/bin/sh', '-c'];

export function watchHealth(
  store: Store,
  record: RunnableRootfs,
  { pid, cgroups, request, template }: Watched,
): HealthMonitor | undefined {
  const check = record.healthcheck ?? {};
  const test = checkOf(check);
  if (test === undefined) return undefined;
  const [kind, ...words] = test;
  const args = kind === 'CMD-SHELL' ? [...(record.shell ?? SHELL), ...words] : words;
  const { root: _, ...rest } = request;
  const joining: EnterRequest = {
    ...rest,
    args,
    joinPid: pid,
    files: [],
    mounts: [],
    makeDirectory: false,
    terminal: false,
    ownsStreams: true,
  };
  return new HealthMonitor({
    check,
    before: readHealth(store, record),
    probe: async (timeoutMs, signal) => {
      await template?.prepare();
      return probeHealth(joining, {
        timeoutMs,
        signal,
        template,
        onReady: (own) => enterCgroups(cgroups, own),
      });
    },
    write: (health) => writeHealth(store, record.id, health),
  });
}

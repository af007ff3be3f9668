/**
 * `plyfs metrics`: what the mounts of this user do and take, as Prometheus reads it.
 */

import { Command } from 'commander';
import type { Metrics } from '../../daemon/client/mount-metrics.js';
import { DEBUG_FLAG } from '../frame/common-options.js';
import { fail, printShown, shownLine } from '../print/output.js';
import { formatPrometheus, type MetricFamily } from '../print/prometheus.js';

const DETAILS = `
Prometheus' text format, once; these names stay:
  plyfs_mount_up                      1, or 0 when its daemon does not answer within a second
  plyfs_mount_requests_total          requests of the kernel, by operation, since the mount began
  plyfs_mount_failed_total            requests that failed for want of something (ENOSPC, EROFS, EIO ...), by error
  plyfs_mount_waiting_requests        requests that wait for remote storage, by where that is mounted
  plyfs_mount_nodes                   files and directories of the union that the kernel knows
  plyfs_daemon_resident_bytes         memory of a daemon
  plyfs_daemon_open_files             its descriptors
  plyfs_daemon_cpu_seconds_total      its CPU time, user and system

Examples:
  plyfs metrics | grep _requests_total
  plyfs metrics > /var/lib/node_exporter/plyfs.prom      for the textfile collector of node_exporter`;

export function metricsCommand(): Command {
  return new Command('metrics')
    .description('print figures of the mounts and their daemons, as Prometheus reads them')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action(runMetrics);
}

async function runMetrics(flags: { readonly debug?: boolean }): Promise<void> {
  try {
    const { mountMetrics } = await import('../../daemon/client/mount-metrics.js');
    const found = await mountMetrics();
    printShown(
      formatPrometheus([...mountFamilies(found), ...daemonFamilies(found)])
        .split('\n')
        .map(shownLine)
        .join('\n'),
    );
  } catch (error) {
    fail('metrics', error, { debug: flags.debug === true });
  }
}

function mountFamilies({ mounts }: Metrics): MetricFamily[] {
  const named = mounts.map((mount) => ({
    ...mount,
    labels: { mountpoint: mount.mountpoint, id: mount.id },
  }));
  return [
    {
      name: 'plyfs_mount_up',
      type: 'gauge',
      help: 'Whether the daemon of the mount answers.',
      samples: named.map(({ labels, stats }) => ({ labels, value: stats === undefined ? 0 : 1 })),
    },
    {
      name: 'plyfs_mount_requests_total',
      type: 'counter',
      help: 'Requests of the kernel since the mount began.',
      samples: named.flatMap(({ labels, stats }) =>
        Object.entries(stats?.requests ?? {}).map(([operation, value]) => ({
          labels: { ...labels, operation },
          value,
        })),
      ),
    },
    {
      name: 'plyfs_mount_failed_total',
      type: 'counter',
      help: 'Requests that failed for want of something since the mount began.',
      samples: named.flatMap(({ labels, stats }) =>
        Object.entries(stats?.failed ?? {}).map(([error, value]) => ({
          labels: { ...labels, error },
          value,
        })),
      ),
    },
    {
      name: 'plyfs_mount_waiting_requests',
      type: 'gauge',
      help: 'Requests that wait for remote storage.',
      samples: named.flatMap(({ labels, stats }) =>
        (stats?.waiting ?? []).map(({ target, requests }) => ({
          labels: { ...labels, target },
          value: requests,
        })),
      ),
    },
    {
      name: 'plyfs_mount_nodes',
      type: 'gauge',
      help: 'Files and directories of the union that the kernel knows.',
      samples: named.flatMap(({ labels, stats }) =>
        stats === undefined ? [] : [{ labels, value: stats.nodes }],
      ),
    },
  ];
}

function daemonFamilies({ daemons }: Metrics): MetricFamily[] {
  const ofDaemons = (key: 'residentBytes' | 'openFiles' | 'cpuSeconds') =>
    daemons.map((daemon) => ({ labels: { pid: String(daemon.pid) }, value: daemon[key] }));
  return [
    {
      name: 'plyfs_daemon_resident_bytes',
      type: 'gauge',
      help: 'Resident memory of the daemon.',
      samples: ofDaemons('residentBytes'),
    },
    {
      name: 'plyfs_daemon_open_files',
      type: 'gauge',
      help: 'Open descriptors of the daemon.',
      samples: ofDaemons('openFiles'),
    },
    {
      name: 'plyfs_daemon_cpu_seconds_total',
      type: 'counter',
      help: 'CPU time of the daemon, user and system.',
      samples: ofDaemons('cpuSeconds'),
    },
  ];
}

/** What of /proc and /sys is read-only or covered in a container that is not privileged: Docker's list (moby oci/defaults.go). */

interface HiddenPaths {
  readonly place: '/proc' | '/sys';
  /** Names below the place. */
  readonly readOnly: readonly string[];
  readonly covered: readonly string[];
}

export const HIDDEN_PATHS: readonly HiddenPaths[] = [
  {
    place: '/proc',
    readOnly: ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'],
    covered: [
      'acpi',
      'asound',
      'interrupts',
      'kcore',
      'keys',
      'latency_stats',
      'sched_debug',
      'scsi',
      'timer_list',
      'timer_stats',
    ],
  },
  {
    place: '/sys',
    readOnly: [],
    covered: ['firmware', 'devices/virtual/powercap'],
  },
];

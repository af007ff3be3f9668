/**
 * Keys of records that hold maps of the user's: labels, options, ports. As Go, which has no order in its maps, plyfs prints
 * them by their keys, in JSON and in templates.
 */

const FREE_MAPS: ReadonlySet<string> = new Set([
  ...['Labels', 'Options', 'Annotations', 'Volumes', 'ExposedPorts', 'Networks', 'Ports', 'PortBindings'],
  ...['Tmpfs', 'StorageOpt', 'Sysctls', 'Data', 'DriverOpts', 'Attributes'],
]);

/** Whether keys below `name`, itself a key of `parent`, are the user's. */
export function isFreeMap(name: string, parent = ''): boolean {
  return FREE_MAPS.has(name) || (name === 'Config' && parent === 'LogConfig');
}

/** The same record with the user's maps in the order of their keys. */
export function withSortedMaps<T>(record: T): T {
  return sorted(record, '', '') as T;
}

function sorted(value: unknown, name: string, parent: string): unknown {
  if (Array.isArray(value)) return value.map((each) => sorted(each, name, parent));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, field]) => [key, sorted(field, key, name)] as const);
  return Object.fromEntries(isFreeMap(name, parent) ? entries.sort(byKey) : entries);
}

/** As Go compares texts: by their bytes. */
function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * The wire form of containerd's snapshots service, version 1: package containerd.services.snapshots.v1, with the numbers that its
 * fields have there (containerd's api/services/snapshots/v1, api/types/mount). In protobuf's JSON form, so that no file lies beside
 * the program.
 */

import type { ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON, type PackageDefinition } from '@grpc/proto-loader';

type Field = Readonly<{ type: string; id: number; rule?: 'repeated'; keyType?: string }>;
type Message = Readonly<{ fields: Readonly<Record<string, Field>> }>;

const text = (id: number): Field => ({ type: 'string', id });
const message = (type: string, id: number): Field => ({ type, id });
const many = (type: string, id: number): Field => ({ type, id, rule: 'repeated' });
const labels = (id: number): Field => ({ keyType: 'string', type: 'string', id });
const of = (fields: Message['fields']): Message => ({ fields });

const TIME = 'google.protobuf.Timestamp';
const MOUNTS = of({ mounts: many('containerd.types.Mount', 1) });
/** What all requests begin with. */
const ON_KEY = { snapshotter: text(1), key: text(2) };
const NEW = of({ ...ON_KEY, parent: text(3), labels: labels(4) });
const INFO = of({ info: message('Info', 1) });

const MESSAGES = {
  PrepareSnapshotRequest: NEW,
  PrepareSnapshotResponse: MOUNTS,
  ViewSnapshotRequest: NEW,
  ViewSnapshotResponse: MOUNTS,
  MountsRequest: of(ON_KEY),
  MountsResponse: MOUNTS,
  RemoveSnapshotRequest: of(ON_KEY),
  CommitSnapshotRequest: of({ snapshotter: text(1), name: text(2), key: text(3), labels: labels(4) }),
  StatSnapshotRequest: of(ON_KEY),
  StatSnapshotResponse: INFO,
  UpdateSnapshotRequest: of({
    snapshotter: text(1),
    info: message('Info', 2),
    update_mask: message('google.protobuf.FieldMask', 3),
  }),
  UpdateSnapshotResponse: INFO,
  ListSnapshotsRequest: of({ snapshotter: text(1), filters: many('string', 2) }),
  ListSnapshotsResponse: of({ info: many('Info', 1) }),
  UsageRequest: of(ON_KEY),
  UsageResponse: of({ size: message('int64', 1), inodes: message('int64', 2) }),
  CleanupRequest: of({ snapshotter: text(1) }),
  Kind: { values: { UNKNOWN: 0, VIEW: 1, ACTIVE: 2, COMMITTED: 3 } },
  Info: of({
    name: text(1),
    parent: text(2),
    kind: message('Kind', 3),
    created_at: message(TIME, 4),
    updated_at: message(TIME, 5),
    labels: labels(6),
  }),
};

const method = (requestType: string, responseType: string) => ({ requestType, responseType });
const EMPTY = 'google.protobuf.Empty';

const METHODS = {
  Prepare: method('PrepareSnapshotRequest', 'PrepareSnapshotResponse'),
  View: method('ViewSnapshotRequest', 'ViewSnapshotResponse'),
  Mounts: method('MountsRequest', 'MountsResponse'),
  Commit: method('CommitSnapshotRequest', EMPTY),
  Remove: method('RemoveSnapshotRequest', EMPTY),
  Stat: method('StatSnapshotRequest', 'StatSnapshotResponse'),
  Update: method('UpdateSnapshotRequest', 'UpdateSnapshotResponse'),
  List: { ...method('ListSnapshotsRequest', 'ListSnapshotsResponse'), responseStream: true },
  Usage: method('UsageRequest', 'UsageResponse'),
  Cleanup: method('CleanupRequest', EMPTY),
};

const nested = (value: object) => ({ nested: value });

const ROOT = nested({
  google: nested({
    protobuf: nested({
      Empty: of({}),
      Timestamp: of({ seconds: message('int64', 1), nanos: message('int32', 2) }),
      FieldMask: of({ paths: many('string', 1) }),
    }),
  }),
  containerd: nested({
    types: nested({
      Mount: of({ type: text(1), source: text(2), target: text(3), options: many('string', 4) }),
    }),
    services: nested({
      snapshots: nested({ v1: nested({ ...MESSAGES, Snapshots: { methods: METHODS } }) }),
    }),
  }),
});

/** Fields are there in requests whether they were sent or not; 64-bit numbers are text, as they may be large. */
export function snapshotsService(): ServiceDefinition {
  const loaded: PackageDefinition = fromJSON(ROOT as Parameters<typeof fromJSON>[0], {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
  });
  return loaded['containerd.services.snapshots.v1.Snapshots'] as ServiceDefinition;
}

/** A volume: a directory of the store by its name, or a new anonymous one. */

import { UserError } from '../../../errno/user-error.js';
import { checkDockerVolumeName, parseSubpath } from '../paths.js';
import type { VolumeRequest } from '../types.js';
import type { MountKind } from './mount-kind.js';

export const volumeKind: MountKind<VolumeRequest> = {
  parse(draft, common) {
    const { source, volumeSubpath, driver } = draft;
    if (source === undefined) {
      if (volumeSubpath !== undefined) {
        throw new UserError('must not set Subpath when using anonymous volumes');
      }
      if (common.readOnly) throw new UserError('must not set ReadOnly mode when using anonymous volumes');
    } else {
      checkDockerVolumeName(source);
    }
    return {
      ...common,
      type: 'volume',
      source,
      noCopy: draft.noCopy ?? false,
      // fromEntries() defines own properties: a label named __proto__ stays a label.
      labels: Object.fromEntries(draft.labels),
      driverOptions: Object.fromEntries(draft.driverOptions),
      ...(volumeSubpath !== undefined && { subpath: parseSubpath(volumeSubpath, 'volume') }),
      ...(driver !== undefined && { driver }),
    };
  },

  plan: (request) => request,

  isFile: () => false,

  describe({ noCopy, labels, subpath, driver, driverOptions }) {
    const hasOptions = Object.keys(driverOptions).length > 0;
    const given = {
      NoCopy: noCopy || undefined,
      Labels: Object.keys(labels).length > 0 ? labels : undefined,
      Subpath: subpath,
    };
    const driverConfig = {
      ...(driver === undefined ? {} : { Name: driver }),
      ...(hasOptions ? { Options: driverOptions } : {}),
    };
    const isGiven =
      driver !== undefined || hasOptions || Object.values(given).some((value) => value !== undefined);
    // Docker has the record of the driver, empty, as soon as there is any option.
    return { key: 'VolumeOptions', options: { ...given, DriverConfig: isGiven ? driverConfig : undefined } };
  },
};

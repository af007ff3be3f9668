/** How much of what a container prints is kept: `--log-driver` and `--log-opt`, with Docker's options, checks and defaults. */

import { UserError } from '../../errno/user-error.js';
import type { ContainerRecord } from '../../store/container-record.js';

type LogDriver = NonNullable<ContainerRecord['logDriver']>;

interface LogSettings {
  readonly logDriver?: LogDriver;
  /** As given. */
  readonly logOptions?: Readonly<Record<string, string>>;
}

export interface LogLimits {
  /** The most that one file may hold; undefined: no limit. */
  readonly maxBytes: number | undefined;
  /** With those that were written before. */
  readonly maxFiles: number;
}

/** `local` of Docker's has others than `json-file`. */
const DEFAULTS: Readonly<Record<LogDriver, LogLimits>> = {
  none: { maxBytes: undefined, maxFiles: 1 },
  'json-file': { maxBytes: undefined, maxFiles: 1 },
  local: { maxBytes: 20_000_000, maxFiles: 5 },
};

/** Those that only say what else stands in an entry, or when a slow driver loses some, change nothing here. */
const OPTIONS: Readonly<Record<LogDriver, readonly string[]>> = {
  none: [],
  'json-file': [
    'max-size',
    'max-file',
    'compress',
    'mode',
    'max-buffer-size',
    'labels',
    'labels-regex',
    'env',
    'env-regex',
    'tag',
  ],
  local: ['max-size', 'max-file', 'compress', 'mode', 'max-buffer-size'],
};

/** Undefined where nothing but the default is asked for. @throws UserError */
export function parseLogSettings(driver: string | undefined, options: readonly string[] = []): LogSettings {
  const logDriver = parseDriver(driver ?? 'json-file');
  const logOptions: Record<string, string> = {};
  for (const text of options) {
    const [, name = text, value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    if (!OPTIONS[logDriver].includes(name)) {
      throw new UserError(`unknown log opt '${name}' for the log driver '${logDriver}'`, {
        hint: OPTIONS[logDriver].length === 0 ? 'it has none' : `it has ${OPTIONS[logDriver].join(', ')}`,
      });
    }
    logOptions[name] = value;
  }
  const settings: LogSettings = {
    ...(logDriver === 'json-file' ? {} : { logDriver }),
    ...(options.length === 0 ? {} : { logOptions }),
  };
  check(settings);
  return settings;
}

function parseDriver(text: string): LogDriver {
  if (Object.hasOwn(DEFAULTS, text)) return text as LogDriver;
  throw new UserError(`cannot log with the driver '${text}'`, {
    hint: "'json-file', the default, 'local', or 'none'",
  });
}

function check(settings: LogSettings): void {
  const { maxBytes, maxFiles } = logLimits(settings);
  const { compress, mode = 'blocking' } = settings.logOptions ?? {};
  if (!['blocking', 'non-blocking'].includes(mode)) throw new UserError(`invalid log opt 'mode=${mode}'`);
  if (compress === undefined || /^(?:false|0)$/i.test(compress)) return;
  if (!/^(?:true|1)$/i.test(compress)) throw new UserError(`invalid log opt 'compress=${compress}'`);
  if (maxBytes === undefined || maxFiles < 2) {
    throw new UserError("invalid log opt 'compress=true': max-file is less than 2, or max-size is not set");
  }
}

/** @throws UserError */
export function logLimits({ logDriver = 'json-file', logOptions = {} }: LogSettings): LogLimits {
  const { 'max-size': size, 'max-file': files } = logOptions;
  const preset = DEFAULTS[logDriver];
  return {
    maxBytes: size === undefined ? preset.maxBytes : parseMaxSize(size),
    maxFiles: files === undefined ? preset.maxFiles : parseMaxFiles(files),
  };
}

const POWERS = ['', 'k', 'm', 'g', 't', 'p'];

/** Docker counts these in thousands. */
function parseMaxSize(text: string): number {
  const [, number, suffix = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)b?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * 1000 ** POWERS.indexOf(suffix.toLowerCase()));
  if (number !== undefined && bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new UserError(`invalid log opt 'max-size=${text}'`, { hint: 'a positive size, as 10m' });
}

function parseMaxFiles(text: string): number {
  if (/^\d{1,6}$/.test(text) && Number(text) > 0) return Number(text);
  throw new UserError(`invalid log opt 'max-file=${text}'`, { hint: 'a number, 1 at least' });
}

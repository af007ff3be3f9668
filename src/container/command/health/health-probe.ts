/** One carrying out of a health check: a command beside the container's own, as by `exec`, with a time limit. */

import { Socket } from 'node:net';
import { fsError } from '../../../errno/fs-error.js';
import { formatDuration } from '../../../image/oci/duration.js';
import { close } from '../../../linux/files/open.js';
import { pipe } from '../../../linux/io/pipe.js';
import type { EnterRequest } from '../../enter/enter-request.js';
import type { HealthResult } from '../../record/health.js';
import { send } from '../../record/signal.js';
import type { CommandTemplate } from '../command-template.js';
import { runProcess } from '../start-process.js';

/** Docker's limit. */
const OUTPUT_BYTES = 4096;
/** To begin at all; what it does then has the check's own limit. */
const BEGIN_MS = 30_000;
/** For what it has left behind, with its output open. */
const DRAIN_MS = 100;

interface ProbeOptions {
  readonly timeoutMs: number;
  /** The container's command has ended. */
  readonly signal: AbortSignal;
  readonly template: CommandTemplate | undefined;
  /** It is about to run. */
  readonly onReady: (pid: number) => void;
}

/** Never fails: what goes wrong is the result. */
export async function probeHealth(request: EnterRequest, options: ProbeOptions): Promise<HealthResult> {
  const start = new Date().toISOString();
  const { code, text } = await attempt(request, options).catch((error: Error) => ({
    code: -1,
    text: error.message,
  }));
  return { Start: start, End: new Date().toISOString(), ExitCode: code, Output: text };
}

async function attempt(request: EnterRequest, options: ProbeOptions): Promise<Required<ProbeOutcome>> {
  const output = new Output();
  const { code, text } = await runWithin(request, options, output);
  return { code, text: text ?? (await output.end()) };
}

interface ProbeOutcome {
  readonly code: number;
  /** Instead of what it has printed. */
  readonly text?: string;
}

function runWithin(
  request: EnterRequest,
  { timeoutMs, signal, template, onReady }: ProbeOptions,
  output: Output,
): Promise<ProbeOutcome> {
  return new Promise((resolve, reject) => {
    let pid: number | undefined;
    let isOver = false;
    const giveUp = (text: string) => {
      isOver = true;
      if (pid !== undefined) send(pid, 'SIGKILL');
      output.destroy();
      resolve({ code: -1, text });
    };
    const limit = `Health check exceeded timeout (${formatDuration(timeoutMs * 1e6)})`;
    let timer = setTimeout(() => giveUp(limit), BEGIN_MS);
    const onAbort = () => giveUp('the container has ended');
    signal.addEventListener('abort', onAbort);
    const running = runProcess(request, {
      stdio: ['ignore', output.fd, output.fd],
      template,
      onReady: (own) => {
        // Too late: it ends before it has begun.
        if (isOver) throw new Error(limit);
        onReady(own);
        pid = own;
        clearTimeout(timer);
        timer = setTimeout(() => giveUp(limit), timeoutMs);
      },
    });
    output.handedOver();
    running
      .then((code) => resolve({ code }), reject)
      .finally(() => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      });
  });
}

/** Standard output and error of the probe, as far as they are kept. */
class Output {
  readonly fd: number;
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #ended: Promise<void>;
  #bytes = 0;

  constructor() {
    const ends = pipe();
    if (typeof ends === 'number') throw fsError(-ends, 'pipe');
    this.fd = ends.writeFd;
    this.#socket = new Socket({ fd: ends.readFd, readable: true, writable: false });
    this.#socket.on('data', (chunk: Buffer) => {
      if (this.#bytes < OUTPUT_BYTES) this.#chunks.push(chunk);
      this.#bytes += chunk.length;
    });
    this.#socket.on('error', () => this.#socket.destroy());
    this.#ended = new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  handedOver(): void {
    close(this.fd);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async end(): Promise<string> {
    const timer = setTimeout(() => this.#socket.destroy(), DRAIN_MS);
    await this.#ended;
    clearTimeout(timer);
    return Buffer.concat(this.#chunks).subarray(0, OUTPUT_BYTES).toString('utf8');
  }
}

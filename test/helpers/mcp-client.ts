/** A host of an MCP server: JSON-RPC, a line a message, over the pipes of a process. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

interface Answer {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

interface ToolAnswer {
  readonly structuredContent: Record<string, unknown>;
  readonly content: readonly { readonly type: string; readonly text: string }[];
  readonly isError?: boolean;
}

export class McpClient implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  /** Lines that are no answer to a request of ours. */
  readonly others: string[] = [];
  #last = 0;

  constructor(args: readonly string[], options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    this.process = spawn(process.execPath, args, { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.process.stdout! }).on('line', (line) => this.#hear(line));
  }

  #hear(line: string): void {
    const answer = JSON.parse(line) as Answer;
    const waiting = answer.id === undefined ? undefined : this.#waiting.get(answer.id);
    if (waiting === undefined) this.others.push(line);
    else waiting(answer);
  }

  /** @returns the id of the request beside its answer. */
  send(method: string, params: object): { readonly id: number; readonly answer: Promise<Answer> } {
    const id = ++this.#last;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#write({ id, method, params });
    return { id, answer };
  }

  notify(method: string, params: object): void {
    this.#write({ method, params });
  }

  #write(message: object): void {
    this.process.stdin!.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  async begin(): Promise<Record<string, unknown>> {
    const clientInfo = { name: 'test', version: '1' };
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
    const { result = {} } = await this.send('initialize', params).answer;
    this.notify('notifications/initialized', {});
    return result;
  }

  async call(name: string, args: object = {}): Promise<ToolAnswer> {
    const { result, error } = await this.send('tools/call', { name, arguments: args }).answer;
    if (error !== undefined) throw new Error(`${name}: ${error.message}`);
    return result as unknown as ToolAnswer;
  }

  /** The record of a call that must go well. */
  async get(name: string, args: object = {}): Promise<Record<string, unknown>> {
    const { structuredContent, isError, content } = await this.call(name, args);
    if (isError === true) throw new Error(`${name}: ${content[0]?.text}`);
    return structuredContent;
  }

  /** The error of a call that must not. */
  async refused(name: string, args: object = {}): Promise<Record<string, unknown>> {
    const { structuredContent, isError } = await this.call(name, args);
    if (isError !== true) throw new Error(`${name} went well: ${JSON.stringify(structuredContent)}`);
    return structuredContent.error as Record<string, unknown>;
  }

  /** Closes the server's standard input. @returns its exit status. */
  end(): Promise<number | null> {
    return new Promise((resolve) => {
      if (this.process.exitCode !== null) resolve(this.process.exitCode);
      this.process.once('exit', resolve);
      this.process.stdin!.end();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null) this.process.kill('SIGKILL');
  }
}

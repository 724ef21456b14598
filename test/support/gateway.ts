import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { FLATEND, freePort, type Process, start } from './processes.ts'

/** A gateway that runs. */
export interface Gateway {
  readonly process: Process
  /** `http://127.0.0.1:port` */
  readonly url: string
  /** `127.0.0.1:port`, where nodes connect. */
  readonly mesh: string
  /** The folder its configuration is in, and that it runs in. */
  readonly folder: string
  /** Ends it and starts it again on the same ports. */
  restart(): Promise<void>
}

/** Options of {@link startGateway}. */
export interface GatewayOptions {
  /** Routes and whatever else follows the listener's own keys, in TOML. */
  readonly config: string
  /** Keys before the first table. */
  readonly top?: string
  /** Keys of the listener. */
  readonly listener?: string
  readonly driver?: Driver
  readonly args?: readonly string[]
  /** Files beside the configuration. */
  readonly files?: Readonly<Record<string, string | Buffer>>
}

export const drivers = ['uws', 'node'] as const
type Driver = (typeof drivers)[number]

const folders: string[] = []

/** A new empty folder, gone with the process of the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flatend-e2e-'))
  if (folders.push(folder) === 1) {
    process.once('exit', () => {
      for (const each of folders) rmSync(each, { recursive: true, force: true })
    })
  }
  return folder
}

/** Writes the configuration, starts `flatend gateway` and waits until it serves. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const folder = temporaryFolder()
  const [httpPort, meshPort] = [await freePort(), await freePort()]
  const mesh = `127.0.0.1:${meshPort}`
  const config = [
    `addr = "${mesh}"`,
    options.top ?? '',
    '[[http]]',
    `addr = "127.0.0.1:${httpPort}"`,
    options.driver ? `driver = "${options.driver}"` : '',
    options.listener ?? '',
    options.config,
  ].join('\n')
  writeFileSync(join(folder, 'config.toml'), config)
  for (const [name, content] of Object.entries(options.files ?? {})) {
    writeFileSync(join(folder, name), content)
  }
  const launch = async (): Promise<Process> => {
    const child = start([FLATEND, 'gateway', '-c', 'config.toml', ...(options.args ?? [])], {
      cwd: folder,
    })
    await child.line(/HTTP/)
    return child
  }
  let running = await launch()
  return {
    get process() {
      return running
    },
    url: `http://127.0.0.1:${httpPort}`,
    mesh,
    folder,
    restart: async () => {
      await running.stop()
      running = await launch()
    },
  }
}

/** Starts a gateway for one test, ended with it. */
export async function gatewayForTest(options: GatewayOptions): Promise<Gateway> {
  const gateway = await startGateway(options)
  onTestFinished(async () => {
    await gateway.process.stop('SIGKILL')
  })
  return gateway
}

/** Routes in TOML: `['GET /hello', 'hello']`, or several services. */
export function routes(
  ...list: readonly (readonly [path: string, ...services: string[]])[]
): string {
  return list
    .map(([path, ...services]) => {
      const keys =
        services.length === 1
          ? `service = ${JSON.stringify(services[0])}`
          : `services = ${JSON.stringify(services)}`
      return `[[http.routes]]\npath = ${JSON.stringify(path)}\n${keys}\n`
    })
    .join('\n')
}

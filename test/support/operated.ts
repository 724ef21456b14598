import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { flatend } from './command.ts'
import { gatewayForTest } from './gateway.ts'
import { type Exit, freePort } from './processes.ts'

/** A gateway whose admin listener is open. */
export interface Operated {
  readonly gateway: Awaited<ReturnType<typeof gatewayForTest>>
  /** `http://127.0.0.1:port` */
  readonly admin: string
  /** Its configuration: where it is, and what it says. */
  readonly file: string
  readonly config: string
  /** The value of a line of `/metrics`, named with its labels; NaN where there is none. */
  readonly metric: (line: string) => Promise<number>
}

/** Starts a gateway with an admin listener for one test. */
export async function operated(options: Parameters<typeof gatewayForTest>[0]): Promise<Operated> {
  const port = await freePort()
  const top = `admin = "127.0.0.1:${port}"\n${options.top ?? ''}`
  const gateway = await gatewayForTest({ ...options, top })
  const admin = `http://127.0.0.1:${port}`
  const file = join(gateway.folder, 'config.toml')
  return {
    gateway,
    admin,
    file,
    config: readFileSync(file, 'utf8'),
    metric: async (line) => {
      const text = await (await fetch(`${admin}/metrics`)).text()
      const found = text.split('\n').find((one) => one.startsWith(`${line} `))
      return Number(found?.slice(line.length + 1) ?? Number.NaN)
    },
  }
}

/** Runs `flatend gateway` with options in a folder to its end. */
export function gatewayCommand(
  folder: string,
  ...args: readonly string[]
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  return flatend(['gateway', ...args], '', folder)
}

import { parseAddress } from '../address.ts'
import type { ReloadOutcome } from '../admin/reloads.ts'
import type { ConfigText } from './config-file.ts'
import { UsageError } from './usage.ts'

/** How long a running gateway may take to reload, in milliseconds. */
const PATIENCE = 30_000

/** `admin = "…"` at the top of a file, which may otherwise be as wrong as it likes. */
const ADMIN = /^\s*admin\s*=\s*(["'])([^"']+)\1/

/**
 * `flatend gateway --reload`: asks the running gateway by its admin listener.
 * @returns 0 reloaded, 1 the gateway did not take the configuration and goes on with the old one
 */
export async function reloadCommand(
  config: ConfigText,
  given: string | undefined,
): Promise<number> {
  const url = urlOf(given ?? adminOf(config))
  const outcome = await ask(url)
  if (!outcome.ok) {
    for (const problem of outcome.problems) process.stderr.write(`${problem}\n`)
    process.stderr.write('flatend: not reloaded: the gateway goes on with what it had\n')
    return 1
  }
  const { opened = [], closed = [], needsRestart = [] } = outcome.report ?? {}
  process.stdout.write('reloaded\n')
  for (const address of opened) process.stdout.write(`opened ${address}\n`)
  for (const address of closed) process.stdout.write(`closed ${address}\n`)
  for (const key of needsRestart) process.stdout.write(`needs a restart: ${key}\n`)
  return 0
}

async function ask(url: string): Promise<ReloadOutcome> {
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'x-flatend-admin': 'reload' },
      signal: AbortSignal.timeout(PATIENCE),
    })
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined
    throw new UsageError(`no gateway answers at ${url}: ${cause?.code ?? (error as Error).message}`)
  }
  if (response.status === 200 || response.status === 422) {
    return (await response.json()) as ReloadOutcome
  }
  throw new UsageError(`${url} answered ${response.status}: ${(await response.text()).trim()}`)
}

/** Of the keys before the first table. */
function adminOf({ file, text = '' }: ConfigText): string {
  for (const line of text.split('\n')) {
    if (line.trimStart().startsWith('[')) break
    const admin = ADMIN.exec(line)?.[2]
    if (admin !== undefined) return admin
  }
  throw new UsageError(
    `${file} names no admin listener to ask: set admin = "127.0.0.1:9100", give --admin HOST:PORT, or send SIGHUP to the gateway`,
  )
}

/** A listener on all addresses is asked at this machine's own. */
function urlOf(text: string): string {
  const { host, port } = parseAddress(text, 'admin')
  const wild = host === '' || host === '0.0.0.0' || host === '::'
  const name = host.includes(':') ? `[${host}]` : host
  return `http://${wild ? '127.0.0.1' : name}:${port}/reload`
}

import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { Node } from '../node.ts'
import type { Reply } from '../reply.ts'
import { DEFAULT_BOOTSTRAP } from './joined.ts'
import { createLogger } from './log.ts'
import { nodeOptions } from './mesh-options.ts'
import { printable } from './printable.ts'
import { asUsageError, meshHelp, meshOptions, parseOptions, UsageError } from './usage.ts'

const HELP = `Usage: flatend call NAME [options]

Calls a function and streams its answer to standard output. Standard input, where it is a pipe or a
file, is the request's body. Exit status 1 if the answer's status is 400 or above or the call fails.

  -b, --bootstrap HOST:PORT  node to join through (default 127.0.0.1:9000); repeat for several
  -H, --header NAME:VALUE    request header; repeat for several
  -d, --data TEXT            request body
  -i, --include              print status and headers too
      --key KEY              the provider that calls of this key belong to
      --timeout MS           deadline of the call in milliseconds (default 30000)
${meshHelp.split('\n').slice(2).join('\n')}
`

/** `flatend call`. */
export async function callCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('flatend call', args, {
    ...meshOptions,
    header: { type: 'string', short: 'H', multiple: true },
    data: { type: 'string', short: 'd' },
    include: { type: 'boolean', short: 'i' },
    timeout: { type: 'string' },
    key: { type: 'string' },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const service = onlyName(positionals)
  const headers = (values.header ?? []).map(parseHeader)
  const timeoutMs = values.timeout === undefined ? undefined : parseTimeout(values.timeout)
  const log = createLogger(values['log-level'] ?? 'error', 2)
  const mesh = { ...values, bootstrap: values.bootstrap ?? DEFAULT_BOOTSTRAP }
  const node = await Node.start(nodeOptions(mesh, log)).catch((error: unknown) => {
    throw asUsageError(error)
  })
  try {
    const { key } = values
    const options = {
      headers,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(key === undefined ? {} : { key }),
    }
    const reply = await node.call(service, values.data ?? standardInput(), options)
    return await print(reply, values.include === true)
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    if (code !== 'EPIPE') process.stderr.write(`flatend: ${printable(message)}\n`)
    return 1
  } finally {
    await node.shutdown({ timeoutMs: 1_000 })
  }
}

/** Passes the answer on; its status as the command's. */
async function print(reply: Reply, head: boolean): Promise<number> {
  if (head) process.stdout.write(formatHead(reply.status, reply.rawHeaders))
  await pipeline(reply.body, process.stdout, { end: false })
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
  return reply.status >= 400 ? 1 : 0
}

function onlyName(positionals: readonly string[]): string {
  const [name] = positionals
  if (name !== undefined && positionals.length === 1) return name
  throw new UsageError('call takes one name\nRun "flatend call --help" for the options.')
}

/** Standard input, unless it is a terminal, which would wait for somebody to type. */
function standardInput(): NodeJS.ReadStream | undefined {
  return process.stdin.isTTY ? undefined : process.stdin
}

function parseHeader(text: string): readonly [string, string] {
  const colon = text.indexOf(':')
  if (colon < 1) throw new UsageError(`header "${text}": write NAME:VALUE`)
  return [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()]
}

function parseTimeout(text: string): number {
  const timeout = Number(text)
  if (Number.isInteger(timeout) && timeout > 0) return timeout
  throw new UsageError(`--timeout ${text}: use a whole number of milliseconds`)
}

function formatHead(status: number, headers: readonly string[]): string {
  let head = `${status}\n`
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\n`
  return `${head}\n`
}

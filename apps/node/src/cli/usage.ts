import { type ParseArgsConfig, parseArgs } from 'node:util'

/** Wrong use, bad input or configuration: one clear line for people, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

type Options = NonNullable<ParseArgsConfig['options']>

/** What every command that joins the mesh takes. */
export const meshOptions: {
  readonly bootstrap: { readonly type: 'string'; readonly short: 'b'; readonly multiple: true }
  readonly lan: { readonly type: 'boolean' }
  readonly 'lan-interface': { readonly type: 'string' }
  readonly legacy: { readonly type: 'boolean' }
  readonly listen: { readonly type: 'string'; readonly multiple: true }
  readonly 'log-level': { readonly type: 'string' }
  readonly network: { readonly type: 'string' }
  readonly 'network-key-file': { readonly type: 'string' }
  readonly 'peer-cache': { readonly type: 'string' }
  readonly profile: { readonly type: 'string' }
  readonly 'puzzle-dynamic': { readonly type: 'string' }
  readonly 'puzzle-static': { readonly type: 'string' }
  readonly 'secret-key-file': { readonly type: 'string' }
  readonly help: { readonly type: 'boolean'; readonly short: 'h' }
} = {
  bootstrap: { type: 'string', short: 'b', multiple: true },
  lan: { type: 'boolean' },
  'lan-interface': { type: 'string' },
  legacy: { type: 'boolean' },
  listen: { type: 'string', multiple: true },
  'log-level': { type: 'string' },
  network: { type: 'string' },
  'network-key-file': { type: 'string' },
  'peer-cache': { type: 'string' },
  profile: { type: 'string' },
  'puzzle-dynamic': { type: 'string' },
  'puzzle-static': { type: 'string' },
  'secret-key-file': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
}

export const meshHelp: string = `  -b, --bootstrap HOST:PORT  node to join through, KEY@HOST:PORT for one of this public key, or
                             ws://… or wss://…; repeat for several
      --listen HOST:PORT     address to take connections of other nodes on, or ws://HOST:PORT
      --lan                  find nodes of the local network by multicast, and be found
      --lan-interface IP     the same on the interface with this IPv4 address
      --network NAME         name of the mesh; nodes of other names are refused
      --network-key-file FILE
                             key that all nodes of a private mesh share (flatend keygen --network)
      --peer-cache FILE      keep the nodes met there; the next start tries them first
      --profile NAME         trusted, or open where anybody may join (see docs/discovery.md)
      --puzzle-static BITS   zero bits that ids of the mesh must have worked for, 0 to 24: the secret
      --puzzle-dynamic BITS  key solves the static one (flatend keygen --puzzle), each start the other
      --secret-key-file FILE identity, as "flatend keygen" writes it; else a new one each start
      --legacy               speak the protocol of 2020 too (see SECURITY.md)
      --log-level LEVEL      debug, info, warn, error or silent
  -h, --help                 this text`

/** The same for commands that join through this machine unless told otherwise. */
export const meshHelpOfClient: string = meshHelp.replace(
  'ws://… or wss://…; repeat for several',
  'ws://… or wss://…; repeat for several (default 127.0.0.1:9000)',
)

/** `parseArgs`, with its errors made {@link UsageError}s that say where help is. */
export function parseOptions<T extends Options>(
  command: string,
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<{ options: T; allowPositionals: true; strict: true }>> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const [line] = (error as Error).message.split('. To specify')
    throw new UsageError(`${line}\nRun "${command} --help" for the options.`)
  }
}

/** What whoever set it up can repair is one clear line; anything else is ours, and shows its stack. */
export function asUsageError(error: unknown): unknown {
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string' || !code.startsWith('FLATEND_')) return error
  return new UsageError((error as Error).message)
}

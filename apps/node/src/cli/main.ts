import { version } from '../version.ts'
import { UsageError } from './usage.ts'

const HELP = `flatend: microservices are functions.

Usage
  flatend [gateway] [-c FILE]   serve HTTP from the functions of a mesh
  flatend call NAME             call a function
  flatend peers                 list the nodes of a mesh
  flatend find NAME             list the nodes that offer a function
  flatend repl                  call functions from a prompt, or from a script
  flatend doctor                find out why nodes do not find each other
  flatend keygen [FILE]         make an identity
  flatend COMMAND --help        the options of a command
  flatend --version
`

type Command = (args: readonly string[]) => Promise<number>

/** Each is loaded when it is asked for: what the others need would take longer than some of them run. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  gateway: async () => (await import('./gateway.ts')).gatewayCommand,
  call: async () => (await import('./call.ts')).callCommand,
  peers: async () => (await import('./peers.ts')).peersCommand,
  find: async () => (await import('./find.ts')).findCommand,
  repl: async () => (await import('./repl.ts')).replCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  keygen: async () => (await import('./keygen.ts')).keygenCommand,
}

/** Runs the command line and returns its exit status: 0 done, 1 failed, 2 used or set up wrongly. */
export async function main(args: readonly string[]): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', expectBrokenPipe)
  try {
    return await dispatch(args)
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`flatend: ${error.message}\n`)
      return 2
    }
    throw error
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [first = ''] = args
  if (first === '--help' || first === '-h' || first === 'help') return print(HELP)
  if (first === '--version' || first === '-v') return print(`${version()}\n`)
  // As in 2020, options without a command are the gateway's.
  const gateway = first === '' || first.startsWith('-')
  const name = gateway ? 'gateway' : first
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!load) {
    throw new UsageError(
      `unknown command "${first}": use gateway, call, peers, find, repl, doctor or keygen\nRun "flatend --help" for help.`,
    )
  }
  const command = await load()
  return await command(gateway ? args : args.slice(1))
}

/** Whoever read it has seen enough, as `head` does, or lost interest in a log: no reason to fail. */
function expectBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

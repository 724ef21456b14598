import { version } from '../version.ts'
import { callCommand } from './call.ts'
import { doctorCommand } from './doctor.ts'
import { findCommand } from './find.ts'
import { gatewayCommand } from './gateway.ts'
import { keygenCommand } from './keygen.ts'
import { peersCommand } from './peers.ts'
import { replCommand } from './repl.ts'
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

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  gateway: gatewayCommand,
  call: callCommand,
  peers: peersCommand,
  find: findCommand,
  repl: replCommand,
  doctor: doctorCommand,
  keygen: keygenCommand,
}

/** Runs the command line and returns its exit status: 0 done, 1 failed, 2 used or set up wrongly. */
export async function main(args: readonly string[]): Promise<number> {
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

function dispatch(args: readonly string[]): Promise<number> {
  const [first = ''] = args
  if (first === '--help' || first === '-h' || first === 'help') return print(HELP)
  if (first === '--version' || first === '-v') return print(`${version()}\n`)
  // As in 2020, options without a command are the gateway's.
  if (first === '' || first.startsWith('-')) return gatewayCommand(args)
  const command = Object.hasOwn(commands, first) ? commands[first] : undefined
  if (!command) {
    throw new UsageError(
      `unknown command "${first}": use gateway, call, peers, find, repl, doctor or keygen\nRun "flatend --help" for help.`,
    )
  }
  return command(args.slice(1))
}

function print(text: string): Promise<number> {
  process.stdout.write(text)
  return Promise.resolve(0)
}

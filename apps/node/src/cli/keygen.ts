import { writeFileSync } from 'node:fs'
import { nodeSuite } from '@flatend/monte/suite/node'
import { generateNetworkKey } from '../network-key.ts'
import { generatePuzzleKey } from '../puzzles.ts'
import { generateSecretKey } from '../secret-key.ts'
import { asUsageError, parseOptions, UsageError } from './usage.ts'

const HELP = `Usage: flatend keygen [FILE] [--puzzle BITS | --network]

Makes an Ed25519 secret key, the identity of a node, as 128 hex digits. With FILE it is written
there, readable by you alone (mode 600); an existing file is never overwritten. Without, it is
printed. The public key, which others see, goes to standard error.

      --network      a key that all nodes of a private mesh share instead, as 64 hex digits
      --puzzle BITS  the key solves the static puzzle of a network: 2^BITS keys are tried
`

/** `flatend keygen`. */
export async function keygenCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('flatend keygen', args, {
    help: { type: 'boolean', short: 'h' },
    network: { type: 'boolean' },
    puzzle: { type: 'string' },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (positionals.length > 1) throw new UsageError('keygen takes one file name at the most')
  const [file] = positionals
  if (values.network && values.puzzle !== undefined) {
    throw new UsageError('--network and --puzzle make different keys: use one of the two')
  }
  const key = values.network ? generateNetworkKey() : makeKey(values.puzzle)
  if (file === undefined) process.stdout.write(`${key.toString('hex')}\n`)
  else writeKey(file, key)
  if (!values.network) process.stderr.write(`public key ${key.subarray(32).toString('hex')}\n`)
  return 0
}

function writeKey(file: string, key: Buffer): void {
  try {
    writeFileSync(file, `${key.toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'it exists already, and keys are never overwritten' : code
    throw new UsageError(`cannot write ${file}: ${why}`)
  }
}

function makeKey(puzzle: string | undefined): Buffer {
  if (puzzle === undefined) return generateSecretKey()
  try {
    return generatePuzzleKey(Number(puzzle), generateSecretKey, nodeSuite)
  } catch (error) {
    throw asUsageError(error)
  }
}

import { readFileSync } from 'node:fs'
import { parseSecretKey } from '../secret-key.ts'
import { UsageError } from './usage.ts'

interface KeyKind {
  /** As messages call it. */
  readonly what: string
  /** The command that makes one. */
  readonly make: string
  readonly parse: (content: Uint8Array) => Uint8Array
}

/** Reads an identity; whatever is wrong with it is one line that names the file. */
export function readSecretKeyFile(file: string): Uint8Array {
  return readKeyFile(file, {
    what: 'secret key',
    make: 'flatend keygen FILE',
    parse: parseSecretKey,
  })
}

/** Reads a key of any kind. @throws UsageError of one line that names the file */
export function readKeyFile(file: string, { what, make, parse }: KeyKind): Uint8Array {
  let content: Buffer
  try {
    content = readFileSync(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? `no such file; "${make}" makes one` : (code ?? message)
    throw new UsageError(`cannot read the ${what} ${file}: ${why}`)
  }
  try {
    return parse(content)
  } catch (error) {
    throw new UsageError(`the ${what} in ${file} is not usable: ${(error as Error).message}`)
  }
}

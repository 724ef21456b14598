import { readFileSync } from 'node:fs'
import { parseSecretKey } from '../secret-key.ts'
import { UsageError } from './usage.ts'

/** Reads an identity; whatever is wrong with it is one line that names the file. */
export function readSecretKeyFile(file: string): Uint8Array {
  let content: Buffer
  try {
    content = readFileSync(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT' ? 'no such file; "flatend keygen FILE" makes one' : (code ?? message)
    throw new UsageError(`cannot read the secret key ${file}: ${why}`)
  }
  try {
    return parseSecretKey(content)
  } catch (error) {
    throw new UsageError(`the secret key in ${file} is not usable: ${(error as Error).message}`)
  }
}

import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { reasonOf } from '../../src/uws/load.ts'

const require = createRequire(import.meta.url)

function errorOf(name: string): Error {
  try {
    require(name)
  } catch (error) {
    return error as Error
  }
  throw new Error(`${name} is there`)
}

test('why uWebSockets.js does not load is one line that says what is missing', () => {
  const missing = errorOf('@uwsjs/linux-none-20')
  expect(reasonOf(missing)).toBe("Cannot find module '@uwsjs/linux-none-20'")
  const general = 'This version of uWS.js supports only some versions of Node.js.'
  expect(reasonOf(new Error(`${general}\n\n${missing.toString()}`))).toBe(
    "Error: Cannot find module '@uwsjs/linux-none-20'",
  )
  const libc = "Error: /lib/libc.so.6: version `GLIBC_2.38' not found (required by uws.node)"
  expect(reasonOf(new Error(`${general}\n\n${libc}`))).toBe(libc)
  expect(reasonOf('no')).toBe('no')
})

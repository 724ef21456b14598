import { createRequire } from 'node:module'
import type { Uws } from './types.ts'

/** Tried in this order: what is newer runs on newer Node and glibc only. */
const CANDIDATES: readonly (readonly [alias: string, version: string])[] = [
  ['uws-20-69', '20.69.0'],
  ['uws-20-51', '20.51.4'],
]
/**
 * Bytes of a request's head uWebSockets.js keeps at the most, for the whole process. It reads this
 * once, when it is loaded; its own default of 4,096 is less than common cookies take. A listener's
 * own, lower limit is enforced by the driver.
 */
const MAX_HEADERS_SIZE = 65_536
const VARIABLE = 'UWS_HTTP_MAX_HEADERS_SIZE'

/** uWebSockets.js and its version, or why there is none. */
export type LoadedUws = { readonly uws: Uws; readonly version: string } | { readonly error: Error }

let loaded: LoadedUws | undefined

/** Loads uWebSockets.js, the newest that works here. Asks once; later calls give the same answer. */
export function loadUws(): LoadedUws {
  loaded ??= load()
  return loaded
}

/** Bytes of a request's head that uWebSockets.js takes in this process. */
export function uwsHeaderLimit(): number {
  const size = Number(process.env[VARIABLE])
  return Number.isSafeInteger(size) && size > 0 ? size : MAX_HEADERS_SIZE
}

function load(): LoadedUws {
  process.env[VARIABLE] ??= String(MAX_HEADERS_SIZE)
  const require = createRequire(import.meta.url)
  const reasons: string[] = []
  for (const [alias, version] of CANDIDATES) {
    try {
      const uws: unknown = require(alias)
      if (isUws(uws)) return { uws, version }
      reasons.push(`${version}: functions are missing`)
    } catch (error) {
      reasons.push(`${version}: ${reasonOf(error)}`)
    }
  }
  return { error: new Error(`uWebSockets.js does not load here (${reasons.join('; ')})`) }
}

/**
 * Why a module does not load, in a line: the library puts its own general words before what happened,
 * and Node what required what behind it.
 */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const [said = message] = message.split('\nRequire stack:', 1)
  return said.split('\n').findLast((line) => line !== '') ?? said
}

/** Looks for what is used, whatever the version says. */
function isUws(module: unknown): module is Uws {
  if (typeof module !== 'object' || module === null) return false
  const uws = module as Record<keyof Uws, unknown>
  return (
    typeof uws.App === 'function' &&
    typeof uws.SSLApp === 'function' &&
    typeof uws.us_listen_socket_close === 'function' &&
    typeof uws.us_socket_local_port === 'function' &&
    typeof uws.SHARED_COMPRESSOR === 'number' &&
    typeof uws.SHARED_DECOMPRESSOR === 'number' &&
    typeof uws.LIBUS_LISTEN_EXCLUSIVE_PORT === 'number'
  )
}

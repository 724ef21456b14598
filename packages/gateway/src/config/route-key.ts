import type { Section } from './section.ts'

/** Fields a call may be keyed by: what the request's handler sees under the same name. */
const KEY = /^(?:(?:params|query)\..+|:(?:peer|authority)|[\w!#$%&'*+.^`|~-]+)$/
const ALLOWED = 'params.NAME, query.NAME, :peer, :authority, or the name of a header'

/** `key`: requests in which this field has one value go to one provider. */
export function readKey(section: Section): string | undefined {
  const key = section.filled('key')
  if (key === undefined) return undefined
  if (KEY.test(key.value)) {
    // Headers have their names in lower case; those of parameters are as written in the path.
    return key.value.includes('.') ? key.value : key.value.toLowerCase()
  }
  section.errorAt(key.at, 'key', { message: `"${key.value}" is no field`, allowed: ALLOWED })
  return undefined
}

import { linkData, linkFlow } from './link-data.ts'
import { linkEnd } from './link-end.ts'
import type { LinkCase } from './link-scene.ts'

/**
 * What every `Link` has to keep, as cases for any test runner: each wants a function that makes two
 * joined links. A case that leaves the links open has passed; close them afterwards.
 */
export const linkContract: readonly LinkCase[] = [...linkData, ...linkFlow, ...linkEnd]

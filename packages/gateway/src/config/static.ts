import type { Section } from './section.ts'

/** How a static route serves its files. */
export interface StaticOptions {
  /** Sends `FILE.br`, `FILE.zst` or `FILE.gz` where it is there and the client takes it. */
  readonly precompressed: boolean
  /** Names of the file that answers for paths nothing is at: pages of an application in a browser. */
  readonly fallback: readonly string[] | undefined
  /** What is there never changes under its name. */
  readonly immutable: boolean
  /** Shows what is in a folder that has no index.html. */
  readonly listing: boolean
}

/** Reads `precompressed`, `fallback`, `immutable` and `listing` of a route. */
export function readStaticOptions(section: Section): StaticOptions {
  const fallback = section.filled('fallback')
  const names = fallback?.value.split('/')
  if (fallback && names?.some((name) => name === '' || name.startsWith('.'))) {
    section.errorAt(fallback.at, 'fallback', {
      message: `"${fallback.value}" is not the name of a file within the folder`,
      allowed: 'such as "index.html"',
    })
  }
  const options = {
    precompressed: section.flag('precompressed') ?? false,
    fallback: names,
    immutable: section.flag('immutable') ?? false,
    listing: section.flag('listing') ?? false,
  }
  if (!section.has('static')) {
    for (const key of ['precompressed', 'fallback', 'immutable', 'listing']) {
      if (section.has(key)) section.error(key, 'is for routes with static', 'static = "FOLDER"')
    }
  }
  return options
}

/**
 * Files for the gateway, by Node's fs.
 *
 * @example
 * const gateway = createGateway({ config, caller, files: createFiles(), … })
 *
 * @packageDocumentation
 */
export type { FileClock } from './file-cache.ts'
export { createFiles, type FilesOptions } from './node-files.ts'

/**
 * Files for the gateway, by Node's fs.
 *
 * @example
 * const gateway = createGateway({ config, caller, files: createFiles(), … })
 *
 * @packageDocumentation
 */
export { createFiles, type FilesOptions } from './node-files.ts'

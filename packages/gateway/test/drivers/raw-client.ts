export {
  headerOf,
  RawClient,
  type RawOptions,
} from '../../src/driver-contract/raw-client.ts'

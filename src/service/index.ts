/** Door of `service`: the replicated application that the ordering layer runs. */
export {
  createService,
  defaultSpace,
  type Service,
  type ServiceOperation,
  type ServiceOptions,
} from './service.js';

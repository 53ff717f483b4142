// Ids of what the daemon keeps track of, unique within one process.
#pragma once

#include "base/id.h"

namespace llmbatch::model {

using RequestId = base::Id<struct RequestTag>;  // one item or job that was accepted
using BatchId = base::Id<struct BatchTag>;
using CallId = base::Id<struct CallTag>;  // one attempt of one call
using PublishId = base::Id<struct PublishTag>;
using CommitId = base::Id<struct CommitTag>;
using LookupId = base::Id<struct LookupTag>;
using StoreId = base::Id<struct StoreTag>;
using ReleaseId = base::Id<struct ReleaseTag>;
using JobRecordId = base::Id<struct JobRecordTag>;
using SyncId = base::Id<struct SyncTag>;
using ReserveId = base::Id<struct ReserveTag>;
using FetchId = base::Id<struct FetchTag>;
using RatiosId = base::Id<struct RatiosTag>;

}  // namespace llmbatch::model

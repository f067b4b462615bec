// Create or update a customer by another system's id.
//
// Two steps, each a command of its own: the external id, which names the customer for ever, then
// the customer. Whoever comes between them, or after a crash between them, finds the external id
// and goes on with the customer that it names; so all of them make the same one.
// Threads: any.
#pragma once

#include "services/runtime/rpc/call.h"

namespace rapport::accounts {

// Answers the customer. The commands' request ids follow from the caller's, so that a repeat
// changes nothing. FAILED_PRECONDITION (DELETED) where the external id or the customer is deleted;
// else as CreateCustomer and UpdateCustomer.
void UpsertCustomer(Handler& service, CallPtr call);

}  // namespace rapport::accounts

// Asks identity where a role is told, as the alerts service.
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_ALERTS_NOTIFY_IDENTITY_CONTACTS_H_
#define CONCORDAT_SERVICES_ALERTS_NOTIFY_IDENTITY_CONTACTS_H_

#include <string>

#include "services/alerts/notify/notifier.h"
#include "services/common/config/data_directory.h"

namespace concordat::alerts {

// `data` outlives it.
ContactSource IdentityContacts(const DataDirectory& data,
                               std::string principal);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_NOTIFY_IDENTITY_CONTACTS_H_

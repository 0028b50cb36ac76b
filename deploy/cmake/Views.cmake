# Nothing of an event's content reaches anybody but through the view code. Run:
# cmake -P deploy/cmake/Views.cmake
#
# Programs of the hub hold events whole: the bus has them all, and identity, alerts
# and mappa are shown whole what they process. Every file of those that reads an
# event's groups stands here, with what in that file keeps it from whom it is not
# for. A file that begins to read one, one that loses its gate, and a line that is
# about no file any more, fail. What speaks as an agency (its services, adapters, the
# gateway, the command line) is sent that agency's views and has nothing else.
cmake_minimum_required(VERSION 3.25)
cmake_path(SET root NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../..")

# How an event's content is read, of a stored event and of a view.
set(READS ": [a-z_*]+(\\.|->)opened\\)|[(,] ?event\\.opened|[^a-zA-Z]MessageOf\\(|[^a-zA-Z_]ReadAs\\(|[a-z_](\\.|->)Data\\(\\)|(whole|view|event)\\.groups[,)]")
# Whole events are in the hands of these folders.
set(HUB "^services/(bus|identity|alerts|mappa)/")
# Where it is written and kept: nobody is answered from here.
set(KEEPS "^services/bus/(log|ingest)/")

# Triples: file, what has to stand in it, why that is enough. No semicolons.
set(GATES
  services/bus/delivery/view_builder.cc "CopyGranted\\(" "it is the view code"
  services/bus/delivery/delivery_core.cc "bytes \\+= group\\.data\\.size" "it counts bytes, and sends what ViewBuilder made"
  services/bus/delivery/policy_fold.cc "policy_\\.Apply\\(" "it folds policy and answers masks"
  services/bus/daemon/explainer.cc "fold_\\.Granted\\(" "it folds policy, and explains what the asker may see"
  services/bus/daemon/erasure_register.cc "kErasedType" "the hub's own records, which hold agencies and dates"
  services/bus/daemon/hold_desk.cc "kHoldAct" "the hub's own records, which hold agencies and dates"
  services/bus/daemon/record_desk.cc "header\\.subject\\.empty" "a closed list of the hub's own records, which are about nobody"
  services/bus/daemon/four_eyes.cc "ApprovalAsked::descriptor" "the hub's own records"
  services/bus/oversight/alert_story.cc "kAlertTypes" "the alerts' own events, and Fill() leaves other agencies' out"
  services/bus/oversight/correction_book.cc "ReadCut\\(" "which sources a cut takes, and no more of it"
  services/bus/oversight/correction_register.cc "CorrectionAccepted" "the hub's own records"
  services/bus/oversight/correction_uses.cc "kAlertTypes" "references and states of alerts, meetings and levels, for the fact's controller and co-ordinators"
  services/bus/oversight/doubts.cc "kLinkDoubted" "a review's reference and kind"
  services/bus/oversight/glass_register.cc "controller" "openings without an interest, told to their agency's guardian"
  services/bus/oversight/who_knew.cc "broken\\.ParseFromString" "who opened a person without an interest, and when"
  services/bus/oversight/moment.cc "policy\\.Apply\\(" "it folds policy, and reads of feeds, which are about nobody"
  services/bus/retention/review_book.cc "RetentionReviewed" "the hub's own records"
  services/bus/retention/person_standing.cc "ReadPolicyFacts\\(" "parties and lead alone"
  services/identity/rpc/case_parties.cc "policy_->Apply\\(" "it folds policy"
  services/alerts/domain/engine.cc "audiences_\\.Fold\\(" "it folds policy, and facts go on by group"
  services/alerts/domain/fact.cc "group\\.number" "each field has its group, and Audiences::See() is asked for it"
  services/alerts/notify/notices.cc "AlertRaised" "the alerts' own events, and a notice has a reference and no more"
  services/mappa/rpc/case_book.cc "CopyGranted\\(" "it is the view code of cases"
  services/mappa/rpc/withdrawals.cc "policy\\.Granted\\(" "an assessment's reference and a cut's sources, and Of() leaves out what the reader never saw"
  services/mappa/domain/case.cc "FoldCase" "the state that a command is judged by"
  services/mappa/domain/case_file.cc "FoldCaseFile" "of what the case book shows its reader"
  services/mappa/domain/referral.cc "Evolve" "the state that a command is judged by")

# Views are made in these places and by nothing else.
set(MAKES "[^a-zA-Z]CopyGranted\\(|[^a-zA-Z]HideHeaderGroup\\(|[^a-zA-Z]ShowsHeaderGroup\\(")
set(MAKERS "^services/common/policy/|^services/bus/delivery/view_builder\\.cc$|^services/mappa/rpc/case_book\\.cc$")

# Sets `out` to what is wrong with a file; empty: nothing.
function(judge out path text)
  set(${out} "" PARENT_SCOPE)
  if(text MATCHES "${MAKES}" AND NOT path MATCHES "${MAKERS}")
    set(${out} "makes a view of its own: ViewBuilder and the case book do" PARENT_SCOPE)
    return()
  endif()
  if(NOT path MATCHES "${HUB}" OR path MATCHES "${KEEPS}" OR NOT text MATCHES "${READS}")
    return()
  endif()
  list(FIND GATES "${path}" at)
  if(at EQUAL -1)
    set(${out} "reads what an event says, and nothing says who may get it (deploy/cmake/Views.cmake)" PARENT_SCOPE)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY SEEN "${path}")
  math(EXPR at "${at} + 1")
  list(GET GATES ${at} gate)
  if(NOT text MATCHES "${gate}")
    set(${out} "has no '${gate}' any more, which kept events from whom they are not for" PARENT_SCOPE)
  endif()
endfunction()

set(problems 0)
macro(complain what)
  message(NOTICE "${what}")
  math(EXPR problems "${problems} + 1")
endmacro()

file(GLOB_RECURSE files RELATIVE "${root}" "${root}/services/*.h"
  "${root}/services/*.cc" "${root}/adapters/*.cc" "${root}/gateway/*.cc")
foreach(path IN LISTS files)
  file(READ "${root}/${path}" text)
  judge(wrong "${path}" "${text}")
  if(wrong)
    complain("${path}: ${wrong}")
  endif()
endforeach()

get_property(seen GLOBAL PROPERTY SEEN)
set(gates ${GATES})
while(gates)
  list(POP_FRONT gates path gate why)
  if(NOT path IN_LIST seen)
    complain("${path}: reads no event: take its line away")
  endif()
endwhile()

# What this is for: it must not pass these over.
foreach(planted
    "services/alerts/rpc/desk_calls.cc|reply.set_words(view.Data())"
    "services/bus/daemon/bus_service.cc|for (const auto& group : event->opened) {"
    "services/mappa/rpc/case_book.cc|if (ReadAs(event, &opened)) {"
    "services/police/rpc/police_service.cc|CopyGranted(view.groups, 255, shown)")
  string(REGEX MATCH "^([^|]+)\\|(.*)$" matched "${planted}")
  judge(wrong "${CMAKE_MATCH_1}" " ${CMAKE_MATCH_2}")
  if(NOT wrong)
    complain("this check is blind to ${planted}")
  endif()
endforeach()

if(problems)
  message(FATAL_ERROR "views: ${problems} problems")
endif()

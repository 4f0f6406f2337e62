// Extension: a running output and one token more; what every beam search ranks.
#pragma once

#include <span>
#include <vector>

#include "base/candidate.h"
#include "decoding/path.h"
#include "decoding/search.h"
#include "decoding/search_options.h"

namespace tandem {

struct Extension {
  int parent = 0;    // index among the running outputs
  double score = 0;  // of the parent, and the candidate's
  Candidate candidate;
  double bonus = 0;  // Path::bonus of the output
};

// All candidates for `path`, which is running output number `parent`.
void append_extensions(const Path& path, int parent, std::span<const Candidate> candidates,
                       std::vector<Extension>& extensions);

// Keeps the `count` best by score and bonus, best first. Ties go to the lower parent, then the
// lower token.
void keep_best(std::size_t count, std::vector<Extension>& extensions);

// The output that an extension stands for.
Path extend(const SearchOptions& options, const Path& parent, const Extension& extension);

}  // namespace tandem

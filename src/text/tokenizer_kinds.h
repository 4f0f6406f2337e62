// Which tokenizer the files of a directory make, for those who find one inside their own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <tandem/tokenizer.h>

#include "text/model_folder.h"

namespace tandem {

// Of any kind that brings its own ids. Null where no kind matches. Throws Error as
// Tokenizer::load.
std::shared_ptr<const Tokenizer> find_tokenizer(const ModelFolder& folder);

// What reads a member or a part of a file knows its name and not where the file is: errors of
// `load` that do not name the directory `path` get it in front.
std::shared_ptr<const Tokenizer> name_path_in_errors(
    const std::string& path, const std::function<std::shared_ptr<const Tokenizer>()>& load);

}  // namespace tandem

#include "gateway/http/static_files.h"

#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/http/status.h"
#include "services/common/crypto/sha256.h"

namespace concordat::gateway {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBytesMax = 64 << 20;
constexpr size_t kGzipBytesMin = 1024;
// What the pages of gateway/console need, and nothing else.
constexpr char kPageCsp[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'";
constexpr char kForEver[] = "public, max-age=31536000, immutable";
constexpr char kAskAgain[] = "no-cache";

constexpr std::pair<absl::string_view, absl::string_view> kTypes[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/vnd.microsoft.icon"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
    {".woff2", "font/woff2"},
};

std::string TypeOf(absl::string_view path) {
  for (const auto& [ending, type] : kTypes) {
    if (absl::EndsWith(path, ending)) return std::string(type);
  }
  return "application/octet-stream";
}

// Nothing: it does not get smaller.
std::string Gzip(const std::string& bytes) {
  if (bytes.size() < kGzipBytesMin) return "";
  constexpr int kGzipWindow = 15 + 16;
  z_stream stream = {};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 9,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return "";
  }
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return done && out.size() < bytes.size() ? out : "";
}

std::string EtagOf(const std::string& bytes) {
  const Sha256Hash hash = Sha256::Of(bytes);
  return absl::StrCat("\"",
                      absl::BytesToHexString(absl::string_view(
                          reinterpret_cast<const char*>(hash.data()), 16)),
                      "\"");
}

}  // namespace

absl::StatusOr<std::unique_ptr<StaticFiles>> StaticFiles::Load(
    const std::string& folder) {
  auto files = std::make_unique<StaticFiles>();
  std::error_code error;
  if (!fs::is_directory(folder, error)) return files;
  size_t total = 0;
  for (auto it = fs::recursive_directory_iterator(folder, error);
       !error && it != fs::recursive_directory_iterator();
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (absl::StartsWith(name, ".") || it->is_symlink(error)) {
      it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file(error)) continue;
    std::ifstream in(it->path(), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    File file;
    file.bytes = std::move(text).str();
    total += file.bytes.size();
    if (!in || total > kBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat(
          folder, in ? " holds more than 64 MiB" : " cannot be read"));
    }
    const std::string path = absl::StrCat(
        "/", fs::relative(it->path(), folder, error).generic_string());
    file.content_type = TypeOf(path);
    file.etag = EtagOf(file.bytes);
    if (!absl::StartsWith(file.content_type, "image/png") &&
        !absl::StartsWith(file.content_type, "font/")) {
      file.gzip = Gzip(file.bytes);
    }
    if (path == "/index.html") files->files_["/"] = file;
    files->files_[path] = std::move(file);
  }
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder, " cannot be read: ", error.message()));
  }
  return files;
}

Response StaticFiles::Answer(const Request& request) const {
  const auto found = files_.find(request.path);
  if (found == files_.end()) {
    return ErrorResponse(absl::NotFoundError("there is no such path"));
  }
  const File& file = found->second;
  Response response;
  response.headers = {
      {"ETag", file.etag},
      {"Vary", "Accept-Encoding"},
      {"Cache-Control",
       absl::StartsWith(request.path, "/assets/") ? kForEver : kAskAgain}};
  if (request.Header("if-none-match") == file.etag) {
    response.status = 304;
    return response;
  }
  if (absl::StartsWith(file.content_type, "text/html")) {
    response.headers.emplace_back("Content-Security-Policy", kPageCsp);
  }
  response.content_type = file.content_type;
  if (!file.gzip.empty() &&
      absl::StrContains(request.Header("accept-encoding"), "gzip")) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = file.gzip;
  } else {
    response.body = file.bytes;
  }
  return response;
}

}  // namespace concordat::gateway

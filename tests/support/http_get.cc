#include "tests/support/http_get.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

#include "common/base/check.h"

namespace crm {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::string Converse(int socket_fd, const std::string& request) {
  (void)send(socket_fd, request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = recv(socket_fd, buffer, sizeof(buffer), 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(n));
  }
  return answer;
}

}  // namespace

std::string HttpGet(const std::string& address, const std::string& path) {
  const sockaddr_in to = Loopback(std::stoi(address.substr(address.rfind(':') + 1)));
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  CRM_CHECK(socket_fd >= 0);
  const timeval patience{10, 0};
  setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  std::string answer;
  if (connect(socket_fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) {
    answer =
        Converse(socket_fd, "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  close(socket_fd);
  return answer;
}

int FreePort() {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  CRM_CHECK(bind(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  CRM_CHECK(getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(socket_fd);
  return ntohs(address.sin_port);
}

}  // namespace crm

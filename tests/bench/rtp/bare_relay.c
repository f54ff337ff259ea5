/* The floor of a relay that knows when each packet arrived: bare_relay FIRST_PORT LEGS FIRST_PARTY_PORT
 *
 * epoll, recvmsg with the kernel's receive time and drop count, sendto; nothing is looked at. What comes to FIRST_PORT + i
 * goes on from the port of leg i ^ 1 to 127.0.0.1:FIRST_PARTY_PORT + (i ^ 1).
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { MAX_LEGS = 8192, EVENTS = 256 };

int main(int count, char **words) {
  static int sockets[MAX_LEGS];
  static struct sockaddr_in parties[MAX_LEGS];
  static char packet[2048], control[128];
  struct epoll_event events[EVENTS];
  if (count != 4 || atoi(words[2]) > MAX_LEGS) return 2;
  setrlimit(RLIMIT_NOFILE, &(struct rlimit){2 * MAX_LEGS, 2 * MAX_LEGS});
  int waiting = epoll_create1(0), on = 1;
  for (int leg = 0; leg < atoi(words[2]); leg++) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons(atoi(words[3]) + leg);
    parties[leg] = address;
    address.sin_port = htons(atoi(words[1]) + leg);
    sockets[leg] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (setsockopt(sockets[leg], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 ||
        setsockopt(sockets[leg], SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) < 0 ||
        bind(sockets[leg], (void *)&address, sizeof address) < 0) {
      perror("socket");
      return 1;
    }
    epoll_ctl(waiting, EPOLL_CTL_ADD, sockets[leg], &(struct epoll_event){.events = EPOLLIN, .data.u32 = leg});
  }
  puts("ready"), fflush(stdout);
  for (;;) {
    int ready = epoll_wait(waiting, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      uint32_t leg = events[i].data.u32;
      struct sockaddr_in from;
      struct iovec vector = {packet, sizeof packet};
      struct msghdr message = {&from, sizeof from, &vector, 1, control, sizeof control, 0};
      ssize_t size = recvmsg(sockets[leg], &message, 0);
      if (size > 0) sendto(sockets[leg ^ 1], packet, size, 0, (void *)&parties[leg ^ 1], sizeof parties[0]);
    }
  }
}

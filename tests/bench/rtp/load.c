/* Both parties of many G.711 calls: load FIRST_PORT WARM_UP_S MEASURE_S TO_PORT...
 *
 * Leg i sends 50 packets a second from FIRST_PORT + i to 127.0.0.1:TO_PORT[i] and receives what leg i ^ 1 sent. Each packet
 * carries its time of sending; the kernel stamps its arrival, so that what this program itself is late does not count as
 * the relay's delay. It writes "begin" and "end" around the seconds that are measured, then one line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 20, HEADER = 12, PACKET = 172, BATCH = 8, CONTROL = 64, MAX_LEGS = 8192 };
static const int64_t SLOT_NS = 1000000; /* 20 slots make the 20 ms between two packets of a leg */
static const int64_t SECOND_NS = 1000000000;

static int sockets[MAX_LEGS];
static uint32_t *delays_us; /* of the packets received while it measures */
static size_t measured, room;
static long sent, received, refused;

static int64_t now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int open_leg(int port, int relay_port) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || bind(fd, (void *)&address, sizeof address) < 0) die("bind");
  address.sin_port = htons(relay_port);
  if (connect(fd, (void *)&address, sizeof address) < 0) die("connect");
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0) die("SO_TIMESTAMPNS");
  return fd;
}

static void send_packet(int leg, unsigned number) {
  uint8_t packet[PACKET];
  memset(packet, 0xd5, sizeof packet);
  uint32_t timestamp = htonl(number * 160), ssrc = htonl(0x10000 + leg);
  uint16_t sequence = htons(number);
  int64_t at_ns = now_ns(CLOCK_REALTIME);
  packet[0] = 0x80;
  packet[1] = 8; /* PCMA */
  memcpy(packet + 2, &sequence, 2);
  memcpy(packet + 4, &timestamp, 4);
  memcpy(packet + 8, &ssrc, 4);
  memcpy(packet + HEADER, &at_ns, 8);
  if (send(sockets[leg], packet, sizeof packet, 0) == PACKET)
    sent++;
  else
    refused++;
}

static void note_delay(struct msghdr *message, const uint8_t *packet) {
  int64_t sent_ns;
  memcpy(&sent_ns, packet + HEADER, 8);
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part))
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SO_TIMESTAMPNS && measured < room) {
      struct timespec at;
      memcpy(&at, CMSG_DATA(part), sizeof at);
      delays_us[measured++] = (at.tv_sec * SECOND_NS + at.tv_nsec - sent_ns) / 1000;
    }
}

static void receive_all(int leg, int measuring) {
  static uint8_t packets[BATCH][2048], controls[BATCH][CONTROL];
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
  for (int got = BATCH; got == BATCH;) {
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
      vectors[i] = (struct iovec){packets[i], sizeof packets[i]};
      messages[i].msg_hdr = (struct msghdr){
          .msg_iov = &vectors[i], .msg_iovlen = 1, .msg_control = controls[i], .msg_controllen = CONTROL};
    }
    got = recvmmsg(sockets[leg], messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
      received++;
      if (measuring && messages[i].msg_len == PACKET) note_delay(&messages[i].msg_hdr, packets[i]);
    }
  }
}

static int by_size(const void *one, const void *other) {
  uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
  return (a > b) - (a < b);
}

int main(int count, char **words) {
  if (count < 5 || count - 4 > MAX_LEGS) return 2;
  int first = atoi(words[1]), warm_up = atoi(words[2]) * 1000, slots = warm_up + atoi(words[3]) * 1000, legs = count - 4;
  struct rlimit files = {2 * MAX_LEGS, 2 * MAX_LEGS};
  setrlimit(RLIMIT_NOFILE, &files);
  for (int leg = 0; leg < legs; leg++) sockets[leg] = open_leg(first + leg, atoi(words[4 + leg]));
  room = (size_t)legs * (atoi(words[3]) + 1) * 50;
  delays_us = malloc(room * sizeof *delays_us);
  if (!delays_us) die("malloc");

  int64_t start_ns = now_ns(CLOCK_MONOTONIC), late_ns = 0;
  for (int slot = 0; slot < slots; slot++) {
    int64_t wait_ns = start_ns + slot * SLOT_NS - now_ns(CLOCK_MONOTONIC);
    if (wait_ns > 0)
      nanosleep(&(struct timespec){0, wait_ns}, NULL);
    else if (-wait_ns > late_ns)
      late_ns = -wait_ns;
    if (slot == warm_up) puts("begin"), fflush(stdout);
    for (int leg = slot % SLOTS; leg < legs; leg += SLOTS) {
      send_packet(leg, 1 + slot / SLOTS);
      receive_all(leg, slot >= warm_up);
    }
  }
  puts("end"), fflush(stdout);
  usleep(300000);
  for (int leg = 0; leg < legs; leg++) receive_all(leg, 1);
  qsort(delays_us, measured, sizeof *delays_us, by_size);
  printf("{\"sent\": %ld, \"received\": %ld, \"refused\": %ld, \"late_ms\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n", sent,
         received, refused, late_ns / 1e6, measured ? delays_us[measured / 2] / 1e3 : -1,
         measured ? delays_us[measured * 99 / 100] / 1e3 : -1);
}
